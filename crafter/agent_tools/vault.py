"""The secrets among a tool's settings: which they are is decided in one place, see :mod:`crafter.agents.secrets`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from crafter.agent_tools.errors import SecretMissing, SecretNotText
from crafter.agents.documents import Agent
from crafter.agents.secrets import MASK, Path, replace_secrets, secret_place
from crafter.core.secrets import Keyring, Place, is_encrypted

Parameters = dict[str, Any]

Keep = Callable[[Path], tuple[Path, str] | None]
"""Tells which stored secret a mask stands for: where it is stored, and what is stored there."""


@dataclass(frozen=True, slots=True)
class Vault:
    """Seals and opens the secrets of one tool of one agent, each for the place where it is stored."""

    agent: Agent
    tool: str
    keyring: Keyring

    def seal(self, given: Parameters, keep: Keep) -> Parameters:
        """The settings as they are stored; a secret that was sent as a mask is the one that ``keep`` finds.

        Raises SecretMissing where it finds none, and SecretNotText.
        """

        def sealed(text: str, path: Path) -> str:
            if text != MASK:
                return self.keyring.encrypt(text, self._place(path))
            if (found := keep(path)) is None:
                where = ".".join(path)
                raise SecretMissing(f"No secret is stored for {where} at this address. Enter it again.")
            return self._moved(*found, path)

        parameters: Parameters = replace_secrets(given, lambda path, value: _texts(value, path, sealed))
        return parameters

    def open(self, stored: Parameters) -> Parameters:
        """The settings with their secrets in plain text, whoever stored them. Raises SecretUnreadable."""

        def opened(text: str, path: Path) -> str:
            return self.keyring.decrypt(text, self._place(path))

        parameters: Parameters = replace_secrets(
            stored, lambda path, value: _texts(value, path, opened, strict=False)
        )
        return parameters

    def _moved(self, source: Path, stored: str, target: Path) -> str:
        """A stored secret for another place, or for the same one; LLM Crafter's plaintext becomes encrypted."""
        if source == target and is_encrypted(stored):
            return stored
        return self.keyring.encrypt(self.keyring.decrypt(stored, self._place(source)), self._place(target))

    def _place(self, path: Path) -> Place:
        return secret_place(self.agent, ".".join(("tools", self.tool, *path)))


def keep_from(stored: Mapping[str, Any]) -> Keep:
    """A mask stands for what is stored in the same place of these settings."""

    def keep(path: Path) -> tuple[Path, str] | None:
        value = value_at(stored, path)
        return (path, value) if isinstance(value, str) and value else None

    return keep


def has_secret(settings: Mapping[str, Any]) -> bool:
    """Whether there is any secret among the settings."""
    found: list[Any] = []
    replace_secrets(settings, lambda _, value: found.append(value))
    return any(value not in (None, "", False) for value in found)


def as_object(value: Any) -> dict[str, Any]:
    """The value if it is an object; whatever else was stored in its place is none."""
    return value if isinstance(value, dict) else {}


def value_at(parameters: Any, path: Path) -> Any:
    """What is in a place of the settings; None if there is no such place."""
    for key in path:
        parameters = parameters.get(key) if isinstance(parameters, Mapping) else None
    return parameters


def _texts(value: Any, path: Path, change: Callable[[str, Path], str], *, strict: bool = True) -> Any:
    """A secret with each text in it changed: it may be an object or an array of texts."""
    if isinstance(value, str):
        return change(value, path) if value else value
    if isinstance(value, Mapping):
        return {key: _texts(inner, (*path, key), change, strict=strict) for key, inner in value.items()}
    if isinstance(value, list):
        return [_texts(inner, (*path, "[]"), change, strict=strict) for inner in value]
    if strict and isinstance(value, int | float) and not isinstance(value, bool):
        raise SecretNotText(f"{'.'.join(path)} is a secret, and must be a string")
    return value
