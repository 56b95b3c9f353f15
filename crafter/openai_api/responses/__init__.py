"""Responses, made without keeping anything."""
