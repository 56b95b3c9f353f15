"""Endpoints and their credentials on the wire.

What the contract refuses with a sentence that names the endpoint or the setting is taken as it comes here, and
checked in :mod:`crafter.agent_tools.api_caller.checks`.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, StringConstraints

from crafter.agent_tools.fields import ONE_LINE, SECRET_LENGTH
from crafter.core.documents import OmitNone
from crafter.core.schemas import ContractBody, ResponseBody, says
from crafter.edge.strict_json import check_free_object

MAX_ENDPOINTS = 100
MAX_HEADERS = 50

AuthenticationType = Literal["bearer_token", "api_key", "cookie"]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

EndpointName = Annotated[str, StringConstraints(min_length=1, max_length=100)]
HeaderName = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9!#$%&'*+^_`|~-]+$")
]
KeyName = Annotated[str, StringConstraints(max_length=200, pattern=r"^[\x21-\x7e]*$")]
Text = Annotated[str, StringConstraints(max_length=2_048)]
Credential = Annotated[str, StringConstraints(max_length=SECRET_LENGTH, pattern=ONE_LINE)]
Headers = Annotated[
    dict[HeaderName, Credential], Field(max_length=MAX_HEADERS), AfterValidator(check_free_object)
]


class AuthenticationInput(ContractBody):
    """Credentials. ``configured: true`` without a secret, or the secret ``***``, stands for the stored one."""

    type: (
        Annotated[
            AuthenticationType,
            says("Invalid authentication type. Must be one of: bearer_token, api_key, cookie"),
        ]
        | None
    ) = None
    token: Credential | None = None
    key_name: KeyName | None = None
    key_value: Credential | None = None
    location: (
        Annotated[Literal["header", "query"], says("authentication location must be header or query")] | None
    ) = None
    cookie: Credential | None = None
    configured: bool | None = None


class SharedAuthenticationInput(AuthenticationInput):
    """Credentials for all endpoints that have none of their own: the old form, which the web UI still sends.

    ``config`` holds the same fields once more, and further headers.
    """

    api_key: Credential | None = None
    header: KeyName | None = None
    config: Headers | None = None


class EndpointFields(ContractBody):
    """An address that the agent may call. ``headers`` are sent with each call."""

    base_url: Text | None = Field(None, examples=["https://api.example.com"])
    path: Text | None = Field(None, examples=["/users/{id}"])
    description: Annotated[Text, says("description must be a string")] | None = None
    authentication: AuthenticationInput | None = None
    headers: Headers | None = None


class EndpointInput(EndpointFields):
    """One endpoint among all."""

    methods: Any = Field(None, examples=[["GET"]])


class SingleEndpointInput(EndpointFields):
    """One endpoint on its own. When it is changed, what is absent stays, and null removes the credentials."""

    clearable: ClassVar = frozenset({"authentication"})

    methods: Annotated[list[Annotated[Method, says("Invalid HTTP method")]], Field(max_length=5)] | None = (
        None
    )


class RuleInput(ContractBody):
    """How the answers of one endpoint are summarized."""

    max_tokens: Any = Field(None, examples=[100])
    focus: Any = Field(None, examples=["names"])


class SummarizationInput(ContractBody):
    """How long answers are summarized."""

    enabled: Any = Field(None, examples=[True])
    model: Any = Field(None, examples=["gpt-4o-mini"])
    max_tokens: Any = Field(None, examples=[150])
    min_size: Any = Field(None, examples=[1000])
    focus: Any = Field(None, examples=["key information"])
    endpoint_rules: (
        Annotated[
            dict[EndpointName, RuleInput],
            Field(max_length=MAX_ENDPOINTS),
            AfterValidator(check_free_object),
            says("Summarization 'endpoint_rules' must be an object"),
        ]
        | None
    ) = None


class ApiConfigInput(ContractBody):
    """All endpoints and the shared credentials, which replace those before; the summarization, if there is any."""

    endpoints: (
        Annotated[
            dict[EndpointName, EndpointInput],
            Field(max_length=MAX_ENDPOINTS),
            AfterValidator(check_free_object),
        ]
        | None
    ) = None
    authentication: SharedAuthenticationInput | None = None
    summarization: SummarizationInput | None = None


class AuthenticationRead(ResponseBody):
    """Credentials without their secrets."""

    type: OmitNone[str] = None
    key_name: OmitNone[str] = None
    location: OmitNone[str] = None
    configured: bool


class SharedAuthenticationRead(AuthenticationRead):
    """The shared credentials; the secrets in ``config`` are masked."""

    deprecated: bool = True
    config: OmitNone[dict[str, Any]] = None


class EndpointRead(ResponseBody):
    """An address that the agent may call; headers that may hold a secret are masked."""

    base_url: str
    path: str
    methods: OmitNone[list[str]] = None
    description: OmitNone[str] = None
    headers: OmitNone[dict[str, str]] = None
    authentication: AuthenticationRead | None = None


class ApiConfigSaved(ResponseBody):
    """The configuration after a change; its secrets are masked."""

    message: str = "API configuration updated successfully"
    endpoints: dict[str, dict[str, Any]]
    authentication: dict[str, Any]
    summarization: OmitNone[dict[str, Any]] = None


class ApiConfigRead(ResponseBody):
    """The configuration without its secrets."""

    endpoints: dict[str, EndpointRead]
    authentication: SharedAuthenticationRead
    summarization: dict[str, Any]


class EndpointSaved(ResponseBody):
    """One endpoint after a change; its secrets are masked."""

    message: str
    endpoint_name: str
    endpoint: dict[str, Any]


class EndpointShown(ResponseBody):
    """One endpoint without its secrets."""

    endpoint_name: str
    endpoint: EndpointRead


class EndpointDeleted(ResponseBody):
    """Which endpoint is gone."""

    message: str = "API endpoint deleted successfully"
    endpoint_name: str
