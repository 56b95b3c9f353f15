"""Everything of this package that an application needs, in the right order."""

from fastapi import FastAPI

from crafter.core.config import Settings
from crafter.edge.addresses import parse_networks
from crafter.edge.errors import add_error_handlers
from crafter.edge.middleware import LastResort, RequestContext, ResponseHeaders
from crafter.edge.rate_limits import RateCounters


def set_up(app: FastAPI, settings: Settings) -> None:
    """Add the layers, the error bodies and the limiters; ``routing.install`` follows after the last route.

    Raises ConfigurationError for a trusted proxy that is neither an address nor a network.
    """
    add_error_handlers(app)
    app.state.rate_counters = RateCounters(enabled=settings.rate_limits)
    app.add_middleware(LastResort)
    app.add_middleware(ResponseHeaders)
    app.add_middleware(RequestContext, proxies=parse_networks(settings.trusted_proxies))
