"""The settings of ``google_calendar``: whose calendar, and the tokens that open it."""

from contextlib import suppress
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from crafter.agent_tools.errors import ToolNotConfigured
from crafter.agent_tools.fields import OptionalText, SecretText
from crafter.agent_tools.settings import AgentTarget, configure, get_tool
from crafter.agent_tools.vault import Parameters, Vault, keep_from
from crafter.agents.documents import Agent
from crafter.core.errors import FieldError, ValidationFailed
from crafter.core.schemas import ContractBody, ResponseBody, says
from crafter.core.secrets import Keyring
from crafter.core.time import utc_now, wire_time
from crafter.users.emails import exact_email

TOOL = "google_calendar"
DEFAULTS = {"calendar_id": "primary", "timezone": "UTC"}

_ACCESS, _REFRESH = "encrypted_access_token", "encrypted_refresh_token"
_STORED_TOKENS = {"access_token": _ACCESS, "refresh_token": _REFRESH}
_TOKEN_REQUIRED = "Access token is required and must be a string"  # noqa: S105


def _email(address: str) -> str:
    exact_email(address)
    return address


Email = Annotated[
    Annotated[str, StringConstraints(max_length=320), AfterValidator(_email)],
    says("User email must be a valid email address"),
]


class CalendarInput(ContractBody):
    """Whose calendar; the access token may be left out when one is stored, and ``***`` is the stored one."""

    access_token: Annotated[SecretText, says(_TOKEN_REQUIRED)] | None = None
    refresh_token: Annotated[SecretText, says("Refresh token must be a string")] | None = None
    calendar_id: OptionalText = None
    timezone: OptionalText = None
    user_email: Email | None = None


class CalendarValues(ResponseBody):
    """Whose calendar, and which tokens are stored."""

    calendar_id: str
    timezone: str
    has_access_token: bool
    has_refresh_token: bool
    user_email: str | None
    configured_at: str | None


class CalendarSaved(CalendarValues):
    """Whose calendar it is now."""

    message: str = "Google Calendar configuration updated successfully"
    configured: bool
    config: CalendarValues


class CalendarRead(ResponseBody):
    """Whose calendar it is; ``configured`` and ``config`` are what the web UI reads."""

    success: bool = True
    data: CalendarValues
    configured: bool
    config: CalendarValues


async def save_calendar(target: AgentTarget, given: CalendarInput, keyring: Keyring) -> Agent:
    """Change the settings. Raises what ``configure`` raises, SecretMissing, and ValidationFailed without a token."""
    fields = {name: value for name, value in given.given().items() if value is not None}
    tokens = {stored: fields.pop(name) for name, stored in _STORED_TOKENS.items() if name in fields}

    def change(stored: Parameters, vault: Vault) -> Parameters:
        after = {**stored, **fields, "configured_at": wire_time(utc_now())}
        after |= vault.seal(tokens, keep_from(stored))
        if not after.get(_ACCESS):
            raise ValidationFailed([FieldError("access_token", _TOKEN_REQUIRED)])
        return after

    return await configure(target, TOOL, change, keyring)


async def remove_calendar(target: AgentTarget, keyring: Keyring) -> None:
    """Forget the settings; without the tool there are none. Raises AgentNotFound and StaleWrite."""
    with suppress(ToolNotConfigured):
        await configure(target, TOOL, lambda *_: {}, keyring)


def show_saved(agent: Agent) -> CalendarSaved:
    """The answer to a change."""
    values = _values(agent)
    return CalendarSaved(**values.model_dump(), configured=values.has_access_token, config=values)


def show(agent: Agent) -> CalendarRead:
    """The settings. Raises ToolSettingsNotFound."""
    values = _values(agent)
    return CalendarRead(data=values, configured=values.has_access_token, config=values)


def _values(agent: Agent) -> CalendarValues:
    stored = get_tool(agent, TOOL).parameters or {}
    return CalendarValues.from_stored(
        {
            **{name: stored.get(name) or default for name, default in DEFAULTS.items()},
            "has_access_token": bool(stored.get(_ACCESS)),
            "has_refresh_token": bool(stored.get(_REFRESH)),
            "user_email": stored.get("user_email"),
            "configured_at": stored.get("configured_at"),
        }
    )
