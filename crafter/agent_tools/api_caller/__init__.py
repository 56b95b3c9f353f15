"""The settings of ``api_caller``: the endpoints that an agent may call, and the credentials for them."""
