"""From what a caller sent to what is wanted: endpoints and summarization, refused with the contract's sentences."""

from collections.abc import Mapping
from typing import Any, get_args

from crafter.agent_tools.api_caller.schemas import EndpointFields, Method, SummarizationInput
from crafter.agent_tools.errors import InvalidApiConfig
from crafter.agents.webhooks import address_problem

METHODS = get_args(Method)

_MODEL_LENGTH = 200
_FOCUS_LENGTH = 2_000
_MAX_SIZE = 10_000_000


def read_endpoint(name: str, given: EndpointFields) -> dict[str, Any]:
    """An endpoint without its credentials, just with what was sent. Raises InvalidApiConfig."""
    fields = given.given()
    fields.pop("authentication", None)
    if not (fields.get("base_url") and fields.get("path")):
        raise InvalidApiConfig(f"Endpoint '{name}' must have base_url and path")
    check_address(name, fields)
    methods = fields.get("methods")
    if methods is not None and not isinstance(methods, list):
        raise InvalidApiConfig(f"Endpoint '{name}' methods must be an array")
    if any(method not in METHODS for method in methods or ()) or len(methods or ()) > len(METHODS):
        raise InvalidApiConfig(f"Endpoint '{name}' methods must be among {', '.join(METHODS)}")
    return fields


def check_address(name: str, endpoint: Mapping[str, Any]) -> None:
    """Whether an endpoint leads to one server, whatever is filled into its path. Raises InvalidApiConfig.

    A path that does not begin with one slash could name another host or port, however it is joined.
    """
    base_url, path = endpoint["base_url"], endpoint["path"]
    problem = address_problem(base_url)
    if problem is None and ("?" in base_url or "#" in base_url):
        problem = "it must not contain a query or a fragment"
    if problem is not None:
        raise InvalidApiConfig(f"Endpoint '{name}' base_url: {problem}")
    if not path.startswith("/") or path.startswith("//") or "\\" in path or not path.isprintable():
        raise InvalidApiConfig(
            f"Endpoint '{name}' path must begin with one slash, and have no backslash or control character"
        )


def read_summarization(given: SummarizationInput | None) -> dict[str, Any]:
    """How answers are summarized; empty when nothing was sent. Raises InvalidApiConfig."""
    fields = given.given() if given is not None else {}
    if not isinstance(fields.get("enabled", False), bool):
        raise InvalidApiConfig("Summarization 'enabled' field must be a boolean")
    _check_number(
        fields, "max_tokens", 10, 72_000, "Summarization 'max_tokens' must be a number between 10 and 72000"
    )
    _check_number(fields, "min_size", 100, _MAX_SIZE, "Summarization 'min_size' must be a number >= 100")
    _check_text(fields, "model", _MODEL_LENGTH, "Summarization 'model' must be a string")
    _check_text(fields, "focus", _FOCUS_LENGTH, "Summarization 'focus' must be a string")
    for name, rule in fields.get("endpoint_rules", {}).items():
        where = f"Endpoint rule '{name}'"
        _check_number(
            rule, "max_tokens", 10, 1_000, f"{where} max_tokens must be a number between 10 and 1000"
        )
        _check_text(rule, "focus", _FOCUS_LENGTH, f"{where} focus must be a string")
    return fields


def _check_number(fields: Mapping[str, Any], name: str, least: int, most: int, sentence: str) -> None:
    if name not in fields:
        return
    value = fields[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise InvalidApiConfig(sentence)


def _check_text(fields: Mapping[str, Any], name: str, longest: int, sentence: str) -> None:
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise InvalidApiConfig(sentence)
    if len(value) > longest:
        raise InvalidApiConfig(f"{sentence} of at most {longest} characters")
