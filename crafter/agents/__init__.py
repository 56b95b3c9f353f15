"""Agents: the configured assistants of a project."""
