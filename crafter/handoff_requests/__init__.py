"""An agent asks for a human: the state of the conversation, and the webhook that tells people about it."""
