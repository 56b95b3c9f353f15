"""What can go wrong on the way out. No message names an address that a name resolved to."""

from crafter.core.errors import Unprocessable, UpstreamFailed, UpstreamTimedOut


class EgressRefused(Unprocessable):
    """422: we do not call that address."""

    code = "EGRESS_REFUSED"
    message = "This address cannot be called from here."


class EgressFailed(UpstreamFailed):
    """502: the called service could not be reached, or did not speak proper HTTP."""

    code = "EGRESS_FAILED"
    message = "The called service did not answer properly."


class EgressTimedOut(UpstreamTimedOut):
    """504: the call was not over by its deadline."""

    code = "EGRESS_TIMEOUT"
    message = "The called service did not answer in time."


class EgressTooLarge(UpstreamFailed):
    """502: the called service answered with more bytes than we take."""

    code = "EGRESS_TOO_LARGE"
    message = "The called service answered with more data than is accepted."
