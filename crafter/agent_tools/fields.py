"""Fields that the settings of several tools share."""

from typing import Annotated, Any

from pydantic import BeforeValidator, StringConstraints

from crafter.core.schemas import says


def _blank_is_none(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


SECRET_LENGTH = 8_192
ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
"""No control characters: what becomes a header must not end it."""

SecretText = Annotated[str, StringConstraints(min_length=1, max_length=SECRET_LENGTH, pattern=ONE_LINE)]
ApiKey = Annotated[SecretText, says("API key must be a non-empty string")]
OptionalApiKey = Annotated[ApiKey | None, BeforeValidator(_blank_is_none)]
"""A key; blank is not given."""

OptionalText = Annotated[
    Annotated[str, StringConstraints(max_length=200)] | None, BeforeValidator(_blank_is_none)
]
"""A short text; blank is not given."""
