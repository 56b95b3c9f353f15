"""``/health`` and ``/metrics``: outside the API's base path, cheap, and without secrets."""

import hmac

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from crafter import __version__
from crafter.core.access import public
from crafter.core.errors import NotFound, Unauthenticated, Unavailable, documented
from crafter.core.runtime import CurrentRuntime
from crafter.edge.rate_limits import PUBLIC, limited
from crafter.edge.responses import json_response
from crafter.edge.routing import CrafterRoute
from crafter.health.readiness import Readiness

router = APIRouter(route_class=CrafterRoute, tags=["Health"])


class NotReady(Unavailable):
    """The process cannot serve at the moment."""

    code = "NOT_READY"
    message = "Not ready"


@router.get("/health", response_model=dict[str, str], dependencies=[public, limited(PUBLIC)])
async def get_health() -> Response:
    """The contract's sign of life."""
    return json_response({"status": "ok", "service": "llm-crafter"})


@router.get("/health/live", response_model=dict[str, str], dependencies=[public])
async def get_liveness() -> Response:
    """The process answers. It never asks the database."""
    return json_response({"status": "ok", "version": __version__})


@router.get("/health/ready", dependencies=[public], responses=documented(NotReady))
async def get_readiness(request: Request) -> Response:
    """The process can serve: its database answers, and its indexes are there."""
    readiness = request.app.state.readiness
    assert isinstance(readiness, Readiness)
    if problems := await readiness.problems():
        raise NotReady("; ".join(problems.values()), checks=problems)
    return json_response({"status": "ok", "checks": {"database": "ok", "indexes": "ok"}})


@router.get("/metrics", dependencies=[public], responses=documented(NotFound, Unauthenticated))
async def get_metrics(request: Request, runtime: CurrentRuntime) -> Response:
    """What this process measures, in Prometheus' text format."""
    token = runtime.settings.metrics_token
    if token is None:
        if runtime.settings.production:
            raise NotFound
    else:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), token.get_secret_value().encode()):
            raise Unauthenticated
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
