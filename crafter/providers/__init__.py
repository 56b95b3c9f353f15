"""Providers: who serves models, and which ones; one catalogue for all tenants, kept by operators."""
