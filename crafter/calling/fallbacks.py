"""Other keys and models, to be asked where one fails: in which order, and against which failures that may help."""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

import structlog

from crafter.api_keys import service as api_key_service
from crafter.api_keys.documents import ApiKey
from crafter.api_keys.errors import NOT_USABLE, ApiKeyNotFound, CredentialLimited
from crafter.calling.errors import CapabilityMissing, ModelRetired
from crafter.calling.outcomes import error_type
from crafter.calling.targets import Target
from crafter.core.errors import CrafterError
from crafter.core.tenancy import Scope
from crafter.providers.errors import ProviderNotFound

_REFUSALS = (
    ApiKeyNotFound,
    CapabilityMissing,
    CredentialLimited,
    ModelRetired,
    ProviderNotFound,
    *NOT_USABLE,
)
_FAILURES = frozenset({"auth", "quota", "rate_limit", "timeout", "network", "server"})

Reach: TypeAlias = Callable[[ApiKey, str], Awaitable[Target]]
"""Makes a model ready to be asked with a key."""

log = structlog.get_logger("crafter.calling")


@dataclass(frozen=True, slots=True)
class Fallback:
    """A key of the project, and the model that is asked with it."""

    api_key: str
    model: str


def may_help(error: CrafterError) -> bool:
    """Whether another key or model may succeed: not where the request itself is at fault, or a budget is used up."""
    return isinstance(error, _REFUSALS) or error_type(error) in _FAILURES


class Fallbacks:
    """What is left to be asked; each is asked once at most, and stays what is asked as long as it answers."""

    def __init__(self, scope: Scope, wanted: Iterable[Fallback], reach: Reach) -> None:
        self._scope = scope
        self._left = deque(wanted)
        self._reach = reach

    @property
    def are_left(self) -> bool:
        """Whether there is another."""
        return bool(self._left)

    async def after(self, error: CrafterError) -> Target:
        """The next that can be asked. Raises the error where there is none, or where it would not help."""
        while self._left and may_help(error):
            fallback = self._left.popleft()
            log.info("fallback", code=error.code, model=fallback.model, credential=fallback.api_key)
            try:
                key = await api_key_service.get_key(self._scope, fallback.api_key)
                return await self._reach(key, fallback.model)
            except _REFUSALS as refusal:
                log.warning("fallback_refused", code=refusal.code, model=fallback.model)
        raise error
