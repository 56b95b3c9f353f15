"""The surface for clients of OpenAI's API: models and agents of a project, asked with a platform key."""
