"""Runs of task agents: one input, one output, and a record of how it came about."""
