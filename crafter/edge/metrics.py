"""What the edge measures: requests by route, and how long they took. Labels grow with routes, never with tenants."""

from prometheus_client import Counter, Histogram

_UNKNOWN = "unknown"
"""The route of requests that no route answers: their paths are the caller's, and without number."""

REQUESTS = Counter("crafter_http_requests", "Requests that were answered.", ("method", "route", "status"))
SECONDS = Histogram(
    "crafter_http_request_seconds",
    "Time from the head of a request to the end of its answer.",
    ("method", "route"),
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120),
)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def count_request(method: str, route: str | None, status: int, seconds: float) -> None:
    """One request is over."""
    known = method if method in _METHODS else _UNKNOWN
    REQUESTS.labels(known, route or _UNKNOWN, status).inc()
    SECONDS.labels(known, route or _UNKNOWN).observe(seconds)
