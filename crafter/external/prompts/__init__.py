"""Prompts, for programs."""
