"""Where features hang their routes: below the API's base path, each with our way of reading bodies."""

from fastapi import APIRouter

from crafter.edge.routing import CrafterRoute

API = "/api/v1"


def feature_router(path: str, *, tag: str, route_class: type[CrafterRoute] = CrafterRoute) -> APIRouter:
    """The router of a feature. Routes are registered flat, with their full paths, and found by an index."""
    return APIRouter(prefix=API + path, tags=[tag], route_class=route_class)
