"""Settings: the one module that reads the environment.

The names of LLM Crafter work unchanged (``MONGODB_URI``, ``JWT_SECRET``, ``ENCRYPTION_KEY``, ``PORT`` …); ours
begin with ``CRAFTER_``. Everything is validated together, before anything is started.
"""

import difflib
import os
import re
from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import NoDecode, SettingsConfigDict

from crafter.core.config_outgoing import OutgoingSettings
from crafter.core.config_values import (
    BaseAddress,
    CommaList,
    MethodList,
    Recurring,
    Switch,
    WebAddress,
    parse_duration,
    shown,
    split_at_commas,
    weakness,
)


class ConfigurationError(Exception):
    """The environment does not describe a service that may start; one sentence per problem."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class Settings(OutgoingSettings):
    """Everything that an operator can choose. The description of each field is its documentation."""

    model_config = SettingsConfigDict(extra="ignore", populate_by_name=True, env_ignore_empty=True)

    env: Literal["development", "production"] = Field(
        "development",
        validation_alias="CRAFTER_ENV",
        description="production refuses the embedded database, weak secrets and an unprotected server.",
    )
    host: str = Field("127.0.0.1", validation_alias="CRAFTER_HOST", description="Address to listen on.")
    port: int = Field(3000, ge=0, le=65535, validation_alias="PORT", description="Port to listen on.")
    workers: int = Field(1, ge=1, le=64, validation_alias="CRAFTER_WORKERS", description="Server processes.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info",
        validation_alias="CRAFTER_LOG_LEVEL",
        description="debug also logs every database command, with its values masked.",
    )
    log_format: Literal["auto", "console", "json"] = Field(
        "auto",
        validation_alias="CRAFTER_LOG_FORMAT",
        description="auto: console on a terminal, otherwise JSON.",
    )

    mongodb_uri: SecretStr | None = Field(
        None,
        validation_alias="MONGODB_URI",
        description="Where MongoDB is. Unset: an embedded one is started.",
    )
    data_dir: Path = Field(
        Path("~/.local/share/crafter"),
        validation_alias="CRAFTER_DATA_DIR",
        description="Where the embedded database and its generated secrets live.",
    )
    database_pool_size: int = Field(
        50, ge=1, le=1000, validation_alias="CRAFTER_DATABASE_POOL", description="Connections per process."
    )
    database_timeout_seconds: float = Field(
        20.0,
        ge=1,
        le=120,
        validation_alias="CRAFTER_DATABASE_TIMEOUT",
        description="The one deadline of a database operation, retries included.",
    )

    jwt_secret: SecretStr | None = Field(
        None,
        validation_alias="JWT_SECRET",
        description="Signs access tokens (HS256). At least 32 characters.",
    )
    jwt_expires_in: str = Field(
        "7d", validation_alias="JWT_EXPIRES_IN", description="Life of a token: 7d, 24h, 90m."
    )
    encryption_key: SecretStr | None = Field(
        None,
        validation_alias="ENCRYPTION_KEY",
        description="Pass-phrase from which the key for stored secrets is derived; also reads what Node wrote.",
    )
    retired_encryption_keys: Annotated[list[SecretStr], NoDecode, BeforeValidator(split_at_commas)] = Field(
        [],
        validation_alias="CRAFTER_RETIRED_ENCRYPTION_KEYS",
        description="Earlier values of ENCRYPTION_KEY, comma-separated: they still decrypt.",
    )

    auth_methods: MethodList = Field(
        ["emailpassword", "oauth"],
        validation_alias="AUTH_METHODS",
        description="emailpassword, oauth or both.",
    )
    disable_signup: Switch = Field(
        False, validation_alias="DISABLE_SIGNUP", description="Refuse registrations."
    )
    allowed_email_domains: CommaList = Field(
        [],
        validation_alias="ALLOWED_EMAIL_DOMAINS",
        description="Only these domains may register, or sign in with a provider. Empty: all.",
    )
    google_client_id: str | None = Field(
        None,
        validation_alias="GOOGLE_CLIENT_ID",
        description="With its secret and callback address, people can sign in with Google.",
    )
    google_client_secret: SecretStr | None = Field(
        None, validation_alias="GOOGLE_CLIENT_SECRET", description="The secret that Google gave this client."
    )
    google_callback_url: WebAddress | None = Field(
        None,
        validation_alias="GOOGLE_CALLBACK_URL",
        description="The public address of /api/v1/auth/google/callback here, exactly as registered at Google.",
    )
    google_url: BaseAddress | None = Field(
        None,
        validation_alias="CRAFTER_GOOGLE_URL",
        description="Base address of one server that takes the place of all of Google's, under Google's paths.",
    )
    github_client_id: str | None = Field(
        None,
        validation_alias="GITHUB_CLIENT_ID",
        description="With its secret and callback address, people can sign in with GitHub.",
    )
    github_client_secret: SecretStr | None = Field(
        None, validation_alias="GITHUB_CLIENT_SECRET", description="The secret that GitHub gave this client."
    )
    github_callback_url: WebAddress | None = Field(
        None,
        validation_alias="GITHUB_CALLBACK_URL",
        description="The public address of /api/v1/auth/github/callback here, exactly as registered at GitHub.",
    )
    github_url: BaseAddress | None = Field(
        None,
        validation_alias="CRAFTER_GITHUB_URL",
        description="Base address of a GitHub Enterprise Server, if people's accounts are on one.",
    )
    frontend_url: BaseAddress = Field(
        "http://localhost:3000",
        validation_alias="FRONTEND_URL",
        description="Base address of the web UI, to which people return after signing in with a provider.",
    )
    widget_dir: Path | None = Field(
        None,
        validation_alias="CRAFTER_WIDGET_DIR",
        description="Directory with the built files of the chat widget, for /widget. Unset: they answer 404.",
    )
    max_api_keys_per_user: int = Field(
        10,
        ge=1,
        le=1000,
        validation_alias="MAX_API_KEYS_PER_USER",
        description="Active platform keys per user and organization.",
    )
    max_sessions_per_agent: int = Field(
        100_000,
        ge=1,
        le=1_000_000,
        validation_alias="MAX_SESSIONS_PER_AGENT",
        description="Live session tokens of one platform key for one agent: all visitors of a widget together.",
    )
    enforce_session_ip_consistency: Switch = Field(
        False,
        validation_alias="ENFORCE_SESSION_IP_CONSISTENCY",
        description="A session token only works from the address that it was made from.",
    )
    handoff_fallback_interval_seconds: float = Field(
        30.0,
        ge=0,
        le=3600,
        validation_alias="HANDOFF_FALLBACK_INTERVAL_SECONDS",
        description="How often each process looks for conversations that wait for a human, or in silence. 0: never.",
    )
    adoption_interval_seconds: float = Field(
        60.0,
        ge=0,
        le=86_400,
        validation_alias="CRAFTER_ADOPTION_INTERVAL",
        description="How often each process looks for documents that the Node server has added. 0: never.",
    )
    handoff_fallback_max_age_hours: float = Field(
        24.0,
        gt=0,
        le=8760,
        validation_alias="HANDOFF_FALLBACK_MAX_AGE_HOURS",
        description="Agents say nothing any more in conversations that have waited for longer.",
    )
    gdpr_retention_cron: Recurring = Field(
        "0 2 * * *",
        validation_alias="GDPR_RETENTION_CRON",
        description="When what agents keep for a time only is deleted: five fields of cron, in UTC. off: never.",
    )
    operators: CommaList = Field(
        [],
        validation_alias="CRAFTER_OPERATORS",
        description="E-mail addresses of the people who may change the global provider catalogue.",
    )

    rate_limits: Switch = Field(
        True, validation_alias="CRAFTER_RATE_LIMITS", description="off switches the per-client limiters off."
    )
    trusted_proxies: CommaList = Field(
        [],
        validation_alias="CRAFTER_TRUSTED_PROXIES",
        description="Addresses or networks of proxies whose X-Forwarded-For is believed.",
    )
    metrics_token: SecretStr | None = Field(
        None,
        validation_alias="CRAFTER_METRICS_TOKEN",
        description="Bearer token for /metrics. In production, without it, /metrics answers 404.",
    )

    drain_seconds: int = Field(
        30,
        ge=0,
        le=600,
        validation_alias="CRAFTER_DRAIN_SECONDS",
        description="How long a stopping server lets running requests finish.",
    )

    @field_validator("jwt_expires_in")
    @classmethod
    def _is_duration(cls, value: str) -> str:
        parse_duration(value)
        return value

    @field_validator("mongodb_uri")
    @classmethod
    def _is_mongodb_uri(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not value.get_secret_value().startswith(("mongodb://", "mongodb+srv://")):
            raise ValueError("must begin with mongodb:// or mongodb+srv://")
        return value

    @field_validator("data_dir")
    @classmethod
    def _expand(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("widget_dir")
    @classmethod
    def _is_directory(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise ValueError("is not a directory")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> "Settings":
        if self.mongodb_uri is not None:
            for name, secret in (("JWT_SECRET", self.jwt_secret), ("ENCRYPTION_KEY", self.encryption_key)):
                if secret is None:
                    raise ValueError(f"{name}: must be set when MONGODB_URI is set")
        elif self.production:
            raise ValueError(
                "MONGODB_URI: must be set in production; the embedded database is for trying out"
            )
        for name, secret in (("JWT_SECRET", self.jwt_secret), ("ENCRYPTION_KEY", self.encryption_key)):
            if secret is not None and (weak := weakness(secret.get_secret_value(), name, self.production)):
                raise ValueError(f"{name}: {weak}")
        for provider in ("google", "github"):
            self._check_client(provider)
        return self

    def _check_client(self, provider: str) -> None:
        """Raises ValueError for an OAuth client of which only parts are known."""
        needed = [f"{provider}_{part}" for part in ("client_id", "client_secret", "callback_url")]
        missing = [name for name in needed if getattr(self, name) is None]
        if missing and missing != needed and missing != needed[:2]:
            together = ", ".join(name.upper() for name in needed)
            raise ValueError(f"{missing[0].upper()}: is missing; set all of {together}, or none")

    @property
    def production(self) -> bool:
        """Whether insecure settings are refused."""
        return self.env == "production"

    @property
    def embedded(self) -> bool:
        """Whether we start a MongoDB of our own."""
        return self.mongodb_uri is None

    @property
    def token_lifetime(self) -> timedelta:
        """How long an access token is valid."""
        return parse_duration(self.jwt_expires_in)


def described() -> dict[str, FieldInfo]:
    """Every setting by its name, in the order in which one wants to read about them."""
    fields, parts = Settings.model_fields, OutgoingSettings.model_fields
    return {name: fields[name] for name in (*(name for name in fields if name not in parts), *parts)}


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read and validate the environment. Raises ConfigurationError with every problem at once."""
    env = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    for field in Settings.model_fields.values():
        alias = field.validation_alias
        if isinstance(alias, str) and env.get(alias, "") != "":
            values[alias] = env[alias]
    if "CRAFTER_ENV" not in values and env.get("NODE_ENV") == "production":
        values["CRAFTER_ENV"] = "production"
    values["provider_base_urls"] = {
        name.removesuffix("_BASE_URL").lower(): url.rstrip("/")
        for name, url in env.items()
        if name.endswith("_BASE_URL") and re.match(r"https?://", url)
    }
    try:
        return _FromValues(**values)
    except ValidationError as error:
        raise ConfigurationError([_sentence(e) for e in error.errors(include_input=False)]) from None


class _FromValues(Settings):
    """Settings from given values alone, so that tests and commands decide what counts as the environment."""

    @classmethod
    def settings_customise_sources(cls, _class: Any, init_settings: Any, **_: Any) -> Any:  # type: ignore[override]
        return (init_settings,)


def _sentence(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"][:1])
    reason = error["msg"].removeprefix("Value error, ")
    return f"{where}: {reason}" if where else reason


def read_variable(name: str) -> str | None:
    """A variable as it is now, for secrets that are kept there; what holds a setting of ours is never answered."""
    settings = {field.validation_alias for field in Settings.model_fields.values()}
    return None if name in settings or name.startswith("CRAFTER_") else os.environ.get(name)


def unknown_variables(environment: Mapping[str, str] | None = None) -> list[str]:
    """One sentence for each CRAFTER_ variable that nothing reads, with the name that was probably meant."""
    env = os.environ if environment is None else environment
    known = sorted(
        field.validation_alias
        for field in Settings.model_fields.values()
        if isinstance(field.validation_alias, str)
    )
    sentences = []
    for name in sorted(env):
        if name.startswith("CRAFTER_") and name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            sentences.append(f"{name} is not a setting" + (f"; did you mean {close[0]}?" if close else "."))
    return sentences


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process. Raises ConfigurationError."""
    return load_settings()


def redacted(settings: Settings) -> list[dict[str, Any]]:
    """Every setting with its variable, value and meaning; secrets are reduced to whether they are set."""
    defaults = load_settings({})
    return [
        {
            "variable": field.validation_alias or "<NAME>_BASE_URL",
            "value": shown(getattr(settings, name)),
            "default": getattr(settings, name) == getattr(defaults, name),
            "description": field.description,
        }
        for name, field in described().items()
    ]
