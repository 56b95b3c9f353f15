"""Access rules: each route declares who may use it, or the service does not start."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from fastapi import Depends
from fastapi.params import Depends as Dependency
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute


@dataclass(frozen=True, slots=True)
class AccessRule:
    """Who may use a route: ``kind`` is public, signed_in, operator, member, insider, key, member_or_key, session or
    visitor.

    Insiders are members of the organization that the thing in the path belongs to; for others it is not there.
    Members need a role, and keys a scope, that grants the permission; with none a member's role or any scope will do.
    Sessions are those of one agent; visitors have a session or a key.
    """

    kind: str
    permission: str | None = None

    def __str__(self) -> str:
        return self.permission or self.kind


class UndeclaredRoute(RuntimeError):
    """A route says nothing about who may use it: a mistake in our code."""

    def __init__(self, paths: list[str]) -> None:
        super().__init__("no access rule for " + ", ".join(paths))


def gate(rule: AccessRule, check: Callable[..., Any]) -> Any:
    """A dependency for ``dependencies=[…]`` that carries its rule."""
    check.rule = rule  # type: ignore[attr-defined]
    return Depends(check)


async def _anybody() -> None:
    """Nothing to check."""


public = gate(AccessRule("public"), _anybody)
"""Anybody may use the route; there are few of these, and a test lists them."""


def rule_of(route: BaseRoute) -> AccessRule | None:
    """What a route declares, or None."""
    if not isinstance(route, APIRoute):
        return None
    for dependency in route.dependencies:
        rule = getattr(dependency.dependency, "rule", None) if isinstance(dependency, Dependency) else None
        if isinstance(rule, AccessRule):
            return rule
    return None


def require_rules(routes: Iterable[BaseRoute]) -> None:
    """Raises UndeclaredRoute unless every route declares its rule."""
    missing = [
        f"{sorted(r.methods or ())} {r.path}"
        for r in routes
        if isinstance(r, APIRoute) and rule_of(r) is None
    ]
    if missing:
        raise UndeclaredRoute(missing)
