"""Which provider lives where, and the way from a provider's name and key to a chat model."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Self

from crafter.core.config import Settings
from crafter.core.egress import EgressPolicy
from crafter.llm.base import ChatModel

if TYPE_CHECKING:
    from crafter.llm.openai import OpenAIClients

_PENALTIES = frozenset({"frequency_penalty", "presence_penalty"})


@dataclass(frozen=True, slots=True)
class Vendor:
    """A provider that we know: its OpenAI-compatible base URL, and the parameters that it does not take."""

    base_url: str
    unsupported: frozenset[str] = frozenset()


VENDORS: Mapping[str, Vendor] = {
    "openai": Vendor("https://api.openai.com/v1"),
    "deepseek": Vendor("https://api.deepseek.com/v1"),
    "anthropic": Vendor("https://api.anthropic.com/v1", unsupported=frozenset({"top_p"})),
    "google": Vendor("https://generativelanguage.googleapis.com/v1beta/openai", unsupported=_PENALTIES),
    "openrouter": Vendor("https://openrouter.ai/api/v1"),
    "xai": Vendor("https://api.x.ai/v1", unsupported=_PENALTIES),
}


def known_name(provider: str) -> str:
    """The name under which we know a provider; one that we do not know is treated as OpenAI."""
    name = provider.lower()
    return name if name in VENDORS else "openai"


class ChatModels:
    """Every chat model of a process; owns the connections to all providers until ``aclose``."""

    def __init__(
        self, policy: EgressPolicy, *, deadline_seconds: float, base_urls: Mapping[str, str] | None = None
    ) -> None:
        self._policy = policy
        self._deadline_seconds = deadline_seconds
        self._base_urls = dict(base_urls or {})
        self._clients: OpenAIClients | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """With the base URLs, the deadline and the egress policy that an operator chose."""
        return cls(
            EgressPolicy.parse(settings.egress_allow),
            deadline_seconds=settings.provider_timeout_seconds,
            base_urls=settings.provider_base_urls,
        )

    async def chat_model(self, provider: str, api_key: str, *, base_url: str | None = None) -> ChatModel:
        """A model of this provider, called with this key. Nothing is sent yet.

        ``base_url`` is for a provider that lives elsewhere than the ones we know; whether it may be called is
        seen when it is. The first call of a process takes a second: it imports the SDK.
        """
        if self._clients is None:
            await asyncio.to_thread(import_module, "crafter.llm.openai")  # the loop must not stand still
        from crafter.llm.openai import OpenAIClients, OpenAIModel  # noqa: PLC0415 - costs most of a start

        if self._clients is None:
            self._clients = OpenAIClients(self._policy, deadline_seconds=self._deadline_seconds)
        name = known_name(provider)
        return OpenAIModel(
            self._clients,
            provider=provider,
            base_url=base_url or self._base_urls.get(name, VENDORS[name].base_url),
            api_key=api_key,
            unsupported=VENDORS[name].unsupported,
        )

    async def aclose(self) -> None:
        """Close every connection; calls that still run fail."""
        if self._clients is not None:
            await self._clients.aclose()
