"""Holds: what calls that are being made may take at most, kept back on every budget that applies to them."""
