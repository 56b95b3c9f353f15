"""Crafter: an async, multi-tenant back end for teams that build with LLMs."""

import gc

__version__ = "0.1.0"

# Nearly everything that a start makes stays. To look through it as often as Python does by default costs a tenth of a
# start and of every request.
gc.set_threshold(50_000)
