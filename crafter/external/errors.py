"""What can go wrong for programs that talk to an agent or run a prompt."""

from crafter.core.errors import BadInput, NotFound, UpstreamFailed, UpstreamTimedOut


class ExecutionFailed(UpstreamFailed):
    """The provider did not answer; nothing was used up, and repeating may help."""

    code = "EXECUTION_FAILED"


class ExecutionTimedOut(UpstreamTimedOut):
    """The provider did not answer in time; nothing was used up, and repeating may help."""

    code = "EXECUTION_FAILED"


class MediaStorageNotConfigured(BadInput):
    """There is nowhere to put uploads."""

    code = "MEDIA_STORAGE_NOT_CONFIGURED"
    message = "Media storage is not configured for this organization"


class UploadNotFound(NotFound):
    """A file of the message was never uploaded, or not by this caller."""

    code = "UPLOAD_NOT_FOUND"
    message = "File not found"


def execution_failed(error: UpstreamFailed) -> UpstreamFailed:
    """A provider's failure under the code that programs know, with the provider's text."""
    kind = ExecutionTimedOut if isinstance(error, UpstreamTimedOut) else ExecutionFailed
    return kind(error.message, **error.details)
