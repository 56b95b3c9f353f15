"""Providers of logins on the wire."""

from crafter.core.schemas import ResponseBody


class Unlinked(ResponseBody):
    """That an account is no longer linked to a provider."""

    success: bool
    message: str
