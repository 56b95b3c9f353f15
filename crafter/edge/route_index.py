"""Which route serves a path: a tree of segments, compiled once; looking up costs the same in any service."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from starlette.routing import Route

_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}(:[A-Za-z][A-Za-z0-9_-]*)?")


@dataclass(slots=True)
class Found:
    """What is at a path: the route and its parameters, or only the methods that the path knows."""

    route: Route | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    methods: set[str] = field(default_factory=set)
    visited: int = 0
    """How many nodes of the tree were looked at."""


@dataclass(slots=True)
class _Node:
    static: dict[str, "_Node"] = field(default_factory=dict)
    verbs: dict[str, "_Node"] = field(default_factory=dict)
    parameter: "_Node | None" = None
    routes: dict[str, tuple[Route, Sequence[str]]] = field(default_factory=dict)


class RouteIndex:
    """The routes of a service by method and path.

    Static segments compare without regard to case, parameters keep theirs; slashes at the end do not count.
    A parameter may carry a verb, ``/organizations/{organization_id}:transfer``. Where several routes fit,
    static segments win over verbs, verbs over plain parameters; ``HEAD`` is served by ``GET``.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        """Raises ValueError for two routes with one method and path, and for routes that it cannot hold."""
        self._root = _Node()
        for route in routes:
            self._add(route)

    @staticmethod
    def can_hold(route: Route) -> bool:
        """Whether the route names its methods, and each of its parameters is a segment of its own."""
        return bool(route.methods) and all(
            "{" not in segment or _PARAMETER.fullmatch(segment) for segment in split_path(route.path)
        )

    def find(self, method: str, path: str) -> Found:
        """The best route for a decoded path. An unknown path finds no methods either."""
        return self.find_segments(method, split_path(path))

    def find_segments(self, method: str, segments: Sequence[str]) -> Found:
        """The same for a path that is in decoded segments already, each of which may contain slashes."""
        found = Found()
        _search(self._root, segments, 0, "GET" if method == "HEAD" else method, [], found)
        return found

    def _add(self, route: Route) -> None:
        if not self.can_hold(route):
            raise ValueError(f"{route.path} has no methods, or a segment that is only half a parameter")
        node = self._root
        names: list[str] = []
        for segment in split_path(route.path):
            parameter = _PARAMETER.fullmatch(segment)
            if parameter is None:
                node = node.static.setdefault(segment.lower(), _Node())
                continue
            names.append(parameter[1])
            if parameter[2]:
                node = node.verbs.setdefault(parameter[2][1:].lower(), _Node())
            else:
                node.parameter = node.parameter or _Node()
                node = node.parameter
        methods = set(route.methods or ())
        for method in methods - {"HEAD"} if "GET" in methods else methods:
            if method in node.routes:
                raise ValueError(f"two routes serve {method} {route.path}")
            node.routes[method] = (route, tuple(names))


def split_path(path: str) -> list[str]:
    """The segments of a path; slashes at its end do not count."""
    trimmed = path.rstrip("/")
    return trimmed.split("/")[1:] if trimmed else []


def allowed(methods: Iterable[str]) -> str:
    """The ``Allow`` header of a path with these routes."""
    known = {*methods, "OPTIONS"}
    return ", ".join(sorted(known | {"HEAD"} if "GET" in known else known))


def _search(
    node: _Node, segments: Sequence[str], position: int, method: str, values: list[str], found: Found
) -> bool:
    found.visited += 1
    if position == len(segments):
        return _serve(node.routes, method, values, found)
    segment = segments[position]
    child = node.static.get(segment.lower())
    if child is not None and _search(child, segments, position + 1, method, values, found):
        return True
    value, _, verb = segment.rpartition(":")
    child = node.verbs.get(verb.lower()) if value else None
    if child is not None and _search(child, segments, position + 1, method, [*values, value], found):
        return True
    if node.parameter is None or not segment:
        return False
    return _search(node.parameter, segments, position + 1, method, [*values, segment], found)


def _serve(
    routes: Mapping[str, tuple[Route, Sequence[str]]], method: str, values: Sequence[str], found: Found
) -> bool:
    entry = routes.get(method)
    if entry is None:
        found.methods.update(routes)
        return False
    found.route, names = entry
    found.parameters = dict(zip(names, values, strict=True))
    return True
