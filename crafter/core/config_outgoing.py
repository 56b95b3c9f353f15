"""The settings of outgoing calls: where they may go, and how long they may take."""

from pydantic import Field
from pydantic_settings import BaseSettings

from crafter.core.config_values import BaseAddress, EndpointList


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
    provider_base_urls: dict[str, str] = Field(
        default_factory=dict,
        exclude=True,
        description="<NAME>_BASE_URL for each default provider, e.g. OPENAI_BASE_URL.",
    )
