"""Operators: the people who may change what belongs to all tenants, by the addresses in CRAFTER_OPERATORS."""

from functools import lru_cache

from crafter.core.config import ConfigurationError, Settings
from crafter.users.emails import canonical_email


def operator_addresses(settings: Settings) -> frozenset[str]:
    """Their canonical addresses. Raises ConfigurationError; asked once at start, so a typo stops the start."""
    return _canonical(tuple(settings.operators))


@lru_cache(maxsize=8)
def _canonical(addresses: tuple[str, ...]) -> frozenset[str]:
    found = set()
    for address in addresses:
        try:
            found.add(canonical_email(address))
        except ValueError as error:
            raise ConfigurationError(
                [f"CRAFTER_OPERATORS: {address!r} is not an e-mail address: {error}"]
            ) from None
    return frozenset(found)
