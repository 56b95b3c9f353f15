"""Estimates: what a call of a model would take, before it is made."""
