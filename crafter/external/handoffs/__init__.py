"""Handoffs for programs: another system's people handle conversations of a project."""
