"""The one way out: every outgoing HTTP call of Crafter is made by a client from here.

A client refuses addresses that are not on the public internet (unless an operator allowed them), follows no
redirect, knows no proxy and keeps no cookie; each call ends within its deadline and its cap of decoded bytes.
"""

from crafter.core.egress.client import EgressClient, open_client
from crafter.core.egress.connections import Resolver
from crafter.core.egress.errors import EgressFailed, EgressRefused, EgressTimedOut, EgressTooLarge
from crafter.core.egress.policy import EgressPolicy, origin_of

__all__ = [
    "EgressClient",
    "EgressFailed",
    "EgressPolicy",
    "EgressRefused",
    "EgressTimedOut",
    "EgressTooLarge",
    "Resolver",
    "open_client",
    "origin_of",
]
