"""Runs of task agents: what went in, how it went, what came out."""
