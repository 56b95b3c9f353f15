"""Providers on the wire."""

from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints

from crafter.core.schemas import ContractBody, Name, Resource, ResponseBody
from crafter.providers.documents import MAX_MODELS

_NOT_AN_ADDRESS = "Must be an http or https address, such as https://api.example.com/v1"

ModelName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


def _base_url(value: str) -> str:
    """An address as the egress guard takes it, without a final slash. Raises ValueError."""
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError(_NOT_AN_ADDRESS)
    try:
        url = urlsplit(value)
        usable = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        raise ValueError(_NOT_AN_ADDRESS) from None
    if not usable:
        raise ValueError(_NOT_AN_ADDRESS)
    if "@" in url.netloc or "?" in value or "#" in value:
        raise ValueError("Must not contain a user name, a query or a fragment")
    return value.rstrip("/")


BaseUrl = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2_048),
    AfterValidator(_base_url),
    Field(examples=["https://api.example.com/v1"]),
]


def _without_repetitions(models: list[str]) -> list[str]:
    return list(dict.fromkeys(models))


ModelList = Annotated[
    list[ModelName], Field(min_length=1, max_length=MAX_MODELS), AfterValidator(_without_repetitions)
]


class CapabilitiesBody(ContractBody):
    """What a provider's models can be asked for."""

    chat_completion: bool = True
    text_completion: bool = False
    embeddings: bool = False
    function_calling: bool = False


class ProviderInput(ContractBody):
    """A provider: its name and its models, replaced whole; the rest stays as it is while absent.

    A null ``api_base_url`` goes back to the well-known address of the name.
    """

    clearable: ClassVar = frozenset({"api_base_url"})

    name: Annotated[Name, Field(examples=["openrouter"])]
    models: Annotated[ModelList, Field(examples=[["meta-llama/llama-3.3-70b-instruct"]])]
    display_name: Name | None = None
    api_base_url: BaseUrl | None = None
    capabilities: CapabilitiesBody | None = None


class CapabilitiesRead(ResponseBody):
    """What a provider's models can be asked for."""

    chat_completion: bool
    text_completion: bool
    embeddings: bool
    function_calling: bool


class ProviderRead(Resource):
    """A provider, and where it is called."""

    name: str
    models: list[str]
    display_name: str
    api_base_url: str
    capabilities: CapabilitiesRead


class ProviderModels(ResponseBody):
    """The models of one provider."""

    provider: str
    models: list[str]


class ProvidersRefreshed(ResponseBody):
    """All providers, after the default ones were reset."""

    message: str
    providers: list[ProviderRead]
