"""What a call of a model is made for; it stands in the ledger."""

from dataclasses import dataclass

from crafter.calls.documents import CallKind, CallSource


@dataclass(slots=True)
class Purpose:
    """The kind of call, and whatever is known of who wants it. ``source`` may become known only after connecting."""

    kind: CallKind
    agent: str | None = None
    prompt: str | None = None
    prompt_version: int | None = None
    source: CallSource | None = None
    user: str | None = None
    user_api_key: str | None = None
    end_user: str | None = None
