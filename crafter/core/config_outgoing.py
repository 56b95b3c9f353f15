"""The settings of outgoing calls: where they may go, how long they may take, and what secrets they may use."""

from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from crafter.core.config_values import BaseAddress, EndpointList, VariableList


class OutgoingSettings(BaseSettings):
    """What an operator can choose of outgoing calls; a part of the settings."""

    egress_allow: EndpointList = Field(
        [],
        validation_alias="CRAFTER_EGRESS_ALLOW",
        description="host:port pairs at which models, logins and search engines may be although they are not public.",
    )
    tenant_egress_allow: EndpointList = Field(
        [],
        validation_alias="CRAFTER_TENANT_EGRESS_ALLOW",
        description="host:port pairs that webhooks, API endpoints and pages of tenants may be at although not public.",
    )
    provider_timeout_seconds: float = Field(
        120.0,
        ge=1,
        le=3600,
        validation_alias="CRAFTER_PROVIDER_TIMEOUT",
        description="Deadline of one whole call to a model.",
    )
    provider_retries: int = Field(
        2,
        ge=0,
        le=10,
        validation_alias="CRAFTER_PROVIDER_RETRIES",
        description="How often a call to a model that failed, and may succeed in a while, is made again.",
    )
    brave_url: BaseAddress = Field(
        "https://api.search.brave.com",
        validation_alias="CRAFTER_BRAVE_URL",
        description="Where Brave's API is.",
    )
    tavily_url: BaseAddress = Field(
        "https://api.tavily.com", validation_alias="CRAFTER_TAVILY_URL", description="Where Tavily's API is."
    )
    credential_environment: VariableList = Field(
        [],
        validation_alias="CRAFTER_CREDENTIAL_ENVIRONMENT",
        description="Variables that may hold provider keys: NAME, PREFIX_*, ORGANIZATION_ID:NAME. Empty: none.",
    )
    credential_directory: Path | None = Field(
        None,
        validation_alias="CRAFTER_CREDENTIAL_DIRECTORY",
        description="Files that may hold provider keys are in its folders: shared, and one per organization id.",
    )
    credential_retention_days: int = Field(
        30,
        ge=1,
        le=3650,
        validation_alias="CRAFTER_CREDENTIAL_RETENTION_DAYS",
        description="How long after its expiry the secret of a provider key is kept.",
    )
    provider_base_urls: dict[str, str] = Field(
        default_factory=dict,
        exclude=True,
        description="<NAME>_BASE_URL for each default provider, e.g. OPENAI_BASE_URL.",
    )

    @field_validator("credential_directory")
    @classmethod
    def _is_there(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise ValueError("is not a directory")
        return value
