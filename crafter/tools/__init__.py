"""Tools: what an agent can do beside talking; one catalogue for all tenants."""
