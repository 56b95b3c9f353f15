"""Section 5.9: the API endpoints that an agent calls."""

from tests.contract.entries import AGENT, Entry, Refusal, Section, Step
from tests.contract.shapes import (
    ABSENT,
    OBJECT,
)
from tests.contract.table.agents import (
    AGENTS_PATH,
    NEW_AGENT,
    NO_AGENT,
    without,
)

_ENDPOINT_AUTH = {"type": "api_key", "key_name": "X-K", "key_value": "canary-endpoint", "location": "header"}
_ENDPOINT = {"base_url": "https://api.example.com", "path": "/u/{id}", "methods": ["GET"], "description": "d"}
_CONFIG = {
    "endpoints": {"get_user": {**_ENDPOINT, "authentication": _ENDPOINT_AUTH}},
    "summarization": {"enabled": True, "model": "gpt-4o-mini", "max_tokens": 150, "min_size": 1000},
}
_SHOWN_ENDPOINT = {"base_url": str, "path": str, "methods": [str], "description": str}
_SHOWN_AUTH = {"type": "api_key", "key_name": "X-K", "location": "header"}
_MASKED = "secrets are `***`, which keeps the stored ones when it is sent back"
_MAKE_ENDPOINT = Step(
    "POST",
    f"{AGENT}/api-endpoints/create_user",
    {**_ENDPOINT, "authentication": _ENDPOINT_AUTH},
)
_MAKE_CALLER = Step(
    "POST",
    AGENTS_PATH,
    {**NEW_AGENT, "name": "caller-{random}", "tools": ["api_caller"]},
    {"agent_id": "_id"},
)
_NAMED = {"endpoint_name": "create_user"}
_NO_ENDPOINT = Refusal(404, "Endpoint 'zz' not found", ids={"endpoint_name": "zz"})

API_CALLER = Section(
    "5.9 Calling endpoints",
    (
        Entry(
            "POST",
            f"{AGENT}/api-config",
            "member",
            "UI",
            before=(_MAKE_CALLER,),
            body=_CONFIG,
            answer={
                "message": "API configuration updated successfully",
                "endpoints": {
                    "get_user": {**_SHOWN_ENDPOINT, "authentication": {**_SHOWN_AUTH, "key_value": "***"}}
                },
                "authentication": OBJECT,
                "summarization": {"enabled": True, "model": str, "max_tokens": 150, "min_size": 1000},
            },
            differs=_MASKED,
            refusals=(
                without("api_caller", 400, {}),
                Refusal(
                    400,
                    "Endpoint 'a' must have base_url and path",
                    body={"endpoints": {"a": {"path": "/"}}},
                ),
                NO_AGENT,
            ),
        ),
        Entry(
            "POST",
            f"{AGENT}/api-config",
            "member",
            "UI",
            before=(_MAKE_CALLER, Step("POST", f"{AGENT}/api-config", _CONFIG)),
            body={
                "endpoints": {
                    "get_user": {**_ENDPOINT, "authentication": {**_SHOWN_AUTH, "configured": True}}
                },
                "authentication": {"type": "bearer_token", "configured": False, "deprecated": True},
            },
            answer={"endpoints": {"get_user": {"authentication": {**_SHOWN_AUTH, "key_value": "***"}}}},
            case="as it was read, from which the web UI keeps the secrets",
            differs="what was read and is sent back keeps the secrets",
        ),
        Entry(
            "GET",
            f"{AGENT}/api-config",
            "viewer",
            "UI",
            before=(_MAKE_CALLER, Step("POST", f"{AGENT}/api-config", _CONFIG)),
            answer={
                "endpoints": {
                    "get_user": {
                        **_SHOWN_ENDPOINT,
                        "authentication": {**_SHOWN_AUTH, "configured": True, "key_value": ABSENT},
                    }
                },
                "authentication": {"configured": False, "deprecated": True},
                "summarization": OBJECT,
            },
            refusals=(without("api_caller", 404), NO_AGENT),
        ),
        Entry(
            "POST",
            f"{AGENT}/api-endpoints/{{endpoint_name}}",
            "member",
            before=(_MAKE_CALLER,),
            ids=_NAMED,
            body={**_ENDPOINT, "authentication": _ENDPOINT_AUTH},
            status=201,
            answer={
                "message": "API endpoint added successfully",
                "endpoint_name": "create_user",
                "endpoint": {**_SHOWN_ENDPOINT, "authentication": _SHOWN_AUTH},
            },
            refusals=(
                Refusal(400, "Endpoint 'create_user' already exists. Use PUT to update it."),
                Refusal(400, "base_url and path are required", ids={"endpoint_name": "other"}, body={}),
            ),
            differs=_MASKED,
        ),
        Entry(
            "PUT",
            f"{AGENT}/api-endpoints/{{endpoint_name}}",
            "member",
            before=(_MAKE_CALLER, _MAKE_ENDPOINT),
            ids=_NAMED,
            body=_ENDPOINT,
            answer={
                "message": "API endpoint updated successfully",
                "endpoint_name": "create_user",
                "endpoint": _SHOWN_ENDPOINT,
            },
            refusals=(_NO_ENDPOINT,),
            differs=_MASKED,
        ),
        Entry(
            "GET",
            f"{AGENT}/api-endpoints/{{endpoint_name}}",
            "viewer",
            before=(_MAKE_CALLER, _MAKE_ENDPOINT),
            ids=_NAMED,
            answer={
                "endpoint_name": "create_user",
                "endpoint": {**_SHOWN_ENDPOINT, "authentication": {**_SHOWN_AUTH, "key_value": ABSENT}},
            },
            refusals=(_NO_ENDPOINT,),
        ),
        Entry(
            "DELETE",
            f"{AGENT}/api-endpoints/{{endpoint_name}}",
            "member",
            before=(_MAKE_CALLER, _MAKE_ENDPOINT),
            ids=_NAMED,
            answer={"message": "API endpoint deleted successfully", "endpoint_name": "create_user"},
            refusals=(_NO_ENDPOINT,),
        ),
    ),
)
