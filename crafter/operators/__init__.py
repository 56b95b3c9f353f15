"""Operators of other systems: people without an account here, who handle conversations of a project."""
