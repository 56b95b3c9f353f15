"""What to do about a call that failed, by the kind of its failure."""

from collections.abc import Mapping

from crafter.calls.documents import ErrorType

GUIDANCE: Mapping[ErrorType, str] = {
    "auth": "The provider did not accept the key. Store a new key, and check what it may be used for.",
    "rate_limit": "The provider wants fewer calls. Wait as long as it says, spread the calls, or name a fallback.",
    "quota": "The provider's account has nothing left. Add credit there, or use another key.",
    "context_length": "More was sent than the model takes. Shorten it, or use a model that takes more.",
    "content_filter": "The provider's rules refused the text, and will again. Change the prompt.",
    "timeout": "There was no whole answer in time. Ask for a shorter one, or raise CRAFTER_PROVIDER_TIMEOUT.",
    "network": "The connection failed. Try again; then check the provider's address and the egress rules.",
    "server": "The provider failed or made no sense. Try again later, or name a fallback.",
    "invalid_request": "The provider did not understand the call. Check the name of the model, and its parameters.",
    "unknown": "Something unexpected happened. The log of the server has it under the id of the request.",
}
