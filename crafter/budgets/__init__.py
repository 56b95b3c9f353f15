"""Budgets: how much an organization and its parts may spend on models; exact, whatever happens at the same time."""
