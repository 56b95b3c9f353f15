"""Prices of models: dated rows that are only ever added to, and what a call costs by them."""
