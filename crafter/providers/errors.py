"""What can go wrong with providers."""

from crafter.core.errors import BadInput, Conflict, NotFound


class ProviderNotFound(NotFound):
    """There is no such provider."""

    code = "PROVIDER_NOT_FOUND"
    message = "Provider not found"


class ProviderExists(BadInput):
    """Another provider has that name."""

    code = "PROVIDER_EXISTS"
    message = "Provider already exists"


class ProviderInUse(Conflict):
    """Keys still belong to the provider; the body says how many, over all tenants."""

    code = "PROVIDER_IN_USE"
    message = "API keys still belong to this provider. They have to be deleted first."
