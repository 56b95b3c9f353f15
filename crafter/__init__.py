"""Crafter: an async, multi-tenant back end for teams that build with LLMs."""

__version__ = "0.1.0"
