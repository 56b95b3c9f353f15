"""What tools have in common that work through one of several providers: the choice, and a key for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crafter.agent_tools.settings import AgentTarget, configure, get_tool
from crafter.agent_tools.vault import Parameters, Vault, keep_from
from crafter.agents.documents import Agent
from crafter.agents.secrets import MASK
from crafter.core.documents import OmitNone
from crafter.core.schemas import ContractBody, ResponseBody
from crafter.core.secrets import Keyring


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """The settings with their defaults, the providers that need no key, and where a key is stored."""

    tool: str
    defaults: Mapping[str, Any]
    keyless: frozenset[str] = frozenset()
    key_field: str = "encrypted_api_key"

    async def change(self, target: AgentTarget, given: "ProviderInput", keyring: Keyring) -> Agent:
        """Change the settings. Raises what ``configure`` raises, and SecretMissing."""
        fields = given.given()
        enabled = fields.pop("enabled", None)
        return await configure(
            target,
            self.tool,
            lambda stored, vault: self.changed(stored, fields, vault),
            keyring,
            enabled=enabled,
        )

    def changed(self, stored: Parameters, given: Mapping[str, Any], vault: Vault) -> Parameters:
        """The settings with those that were given; a key is only kept for the provider that it was entered for.

        Raises SecretMissing for a mask that stands for no such key.
        """
        after = {**stored, **{name: value for name, value in given.items() if name != "api_key"}}
        moved = len({self._provider(stored), self._provider(after)} - self.keyless) > 1
        if moved:
            after.pop(self.key_field, None)
        if api_key := given.get("api_key"):
            after |= vault.seal({self.key_field: api_key}, keep_from({} if moved else stored))
        return after

    def values(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """The settings with their defaults, and whether there is a key."""
        values = {name: stored.get(name) or default for name, default in self.defaults.items()}
        return {**values, "has_api_key": self._has_key(stored)}

    def saved(self, agent: Agent) -> dict[str, Any]:
        """What is answered to a change."""
        return self.values(get_tool(agent, self.tool).parameters or {})

    def mirrored(self, agent: Agent) -> dict[str, Any]:
        """What is answered to who reads them: below ``data``, and again where the web UI looks for them.

        Raises ToolSettingsNotFound.
        """
        tool = get_tool(agent, self.tool)
        stored = tool.parameters or {}
        values = self.values(stored)
        mask = MASK if self._has_key(stored) else None
        return {**values, "data": values, "enabled": tool.enabled, "api_key": mask}

    def complete(self, opened: Parameters) -> Parameters:
        """The settings for whoever runs the tool."""
        return {**self.defaults, **opened}

    def _provider(self, stored: Mapping[str, Any]) -> str:
        return str(stored.get("provider") or self.defaults["provider"])

    def _has_key(self, stored: Mapping[str, Any]) -> bool:
        return bool(stored.get(self.key_field))


class ProviderInput(ContractBody):
    """What to change; the key ``***`` is the stored one. ``enabled``: whether the agent may use the tool at all."""

    enabled: bool | None = None


class MirroredSettings(ResponseBody):
    """The settings again, beside ``data``; ``api_key`` is ``***`` when one is stored."""

    success: bool = True
    enabled: bool
    api_key: OmitNone[str] = None
