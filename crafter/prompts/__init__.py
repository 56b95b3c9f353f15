"""Prompts: the texts that a project sends to models, with variables to fill in and every earlier version."""
