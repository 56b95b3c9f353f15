"""Sections 5.4 to 5.6: provider keys, providers and platform keys."""

from tests.contract.entries import ORGANIZATION, PROJECT, Entry, Refusal, Section, Step
from tests.contract.shapes import (
    ABSENT,
    ID,
    SECRET,
    TIME,
    Each,
    Maybe,
    like,
)
from tests.contract.table import objects

KEYS = f"{PROJECT}/api-keys"
_NEW_KEY = {"name": "k1", "key": "canary-provider-key-{random}", "provider": "{provider_id}"}
_KEEP_KEY = Step("POST", KEYS, _NEW_KEY, {"api_key_id": "id"})

PROVIDER_KEYS = Section(
    "5.4 Provider keys",
    (
        Entry(
            "POST",
            KEYS,
            "member",
            "UI",
            body=_NEW_KEY,
            status=201,
            answer={"id": ID, "name": "k1", "provider": ID, "project": ID, "created_at": TIME, "key": ABSENT},
            refusals=(
                Refusal(400, at="key", body={**_NEW_KEY, "key": " "}),
                Refusal(400, at="name", body={**_NEW_KEY, "name": ""}),
                Refusal(404, "Provider not found", body={**_NEW_KEY, "provider": "{absent_id}"}),
                Refusal(404, "Project not found", ids={"project_id": "{absent_id}"}),
            ),
        ),
        Entry(
            "DELETE",
            f"{KEYS}/{{api_key_id}}",
            "admin",
            "UI",
            before=(_KEEP_KEY,),
            answer={"message": "API key deleted successfully"},
            refusals=(
                Refusal(404, "API key not found in this project"),
                Refusal(404, "Project not found in this organization", ids={"project_id": "{absent_id}"}),
            ),
            differs="409 while agents or prompts use it, unless `?force=true`",
        ),
    ),
)

_MAKE_PROVIDER = Step(
    "POST", "/providers", {"name": "canary-{random}", "models": ["m"]}, {"provider_id": "_id"}, "operator"
)

PROVIDERS = Section(
    "5.5 Providers",
    (
        Entry("GET", "/providers", "signed in", "UI", answer=[objects.PROVIDER]),
        Entry(
            "GET",
            "/providers/{provider_id}",
            "signed in",
            answer=objects.PROVIDER,
            refusals=(Refusal(404, "Provider not found", ids={"provider_id": "{absent_id}"}),),
        ),
        Entry(
            "GET",
            "/providers/{provider_id}/models",
            "signed in",
            answer={"provider": "openai", "models": [str]},
            refusals=(Refusal(404, "Provider not found", ids={"provider_id": "{absent_id}"}),),
        ),
        Entry(
            "POST",
            "/providers",
            "operator",
            body={"name": "canary-new", "models": ["m"]},
            status=201,
            answer=objects.PROVIDER,
            refusals=(
                Refusal(400, "Provider already exists"),
                Refusal(400, at="models", body={"name": "x", "models": []}),
                Refusal(400, at="name", body={"models": ["m"]}),
            ),
            differs="operators only: the catalogue is everybody's",
        ),
        Entry(
            "PUT",
            "/providers/{provider_id}",
            "operator",
            before=(_MAKE_PROVIDER,),
            body={"name": "renamed-{random}", "models": ["m", "n"]},
            answer=objects.PROVIDER,
            refusals=(Refusal(404, "Provider not found", ids={"provider_id": "{absent_id}"}),),
            differs="operators only: the catalogue is everybody's",
        ),
        Entry(
            "DELETE",
            "/providers/{provider_id}",
            "operator",
            before=(_MAKE_PROVIDER,),
            answer={"message": "Provider deleted successfully"},
            refusals=(Refusal(404, "Provider not found"),),
            differs="operators only: the catalogue is everybody's",
        ),
        Entry(
            "POST",
            "/providers/refresh",
            "operator",
            answer={"message": "Default providers refreshed successfully", "providers": [objects.PROVIDER]},
            differs="operators only: the catalogue is everybody's",
        ),
    ),
)

PLATFORM = f"{ORGANIZATION}/user-api-keys"
_RESTRICTIONS = {
    "ip_whitelist": Each(str),
    "domain_whitelist": Each(str),
    "max_executions_per_day?": int,
    "rate_limit_override?": int,
}
_USAGE = {"total_requests": int, "executions_today": int, "last_reset_date": TIME, "last_used_at?": TIME}
_NEW = {
    "name": "widget",
    "scopes": ["agents:execute", "handoffs:manage"],
    "restrictions": {"max_executions_per_day": 1000},
    "allowed_projects": ["{project_id}"],
}


def _platform_key(project: object) -> dict[str, object]:
    return {
        "_id": ID,
        "id": ID,
        "name": str,
        "user": ID,
        "organization": ID,
        "scopes": [str],
        "restrictions": _RESTRICTIONS,
        "usage": _USAGE,
        "expires_at?": Maybe(TIME),
        "is_active": bool,
        "created_by": ID,
        "allowed_projects": [project],
        "is_expired": Maybe(bool),
        "masked_key": like(r"ak_\*{32}[0-9a-f]{8}"),
        "last_rotated_at?": TIME,
        "key_hash": ABSENT,
        **objects.STAMPS,
    }


_LISTED = _platform_key({"_id": ID, "id": ID, "name": str})
_MAKE = Step("POST", PLATFORM, _NEW, {"key_id": "data.id"}, "member")
_GONE = Refusal(404, "API key not found", ids={"key_id": "{absent_id}"})

USER_API_KEYS = Section(
    "5.6 Platform keys",
    (
        Entry(
            "POST",
            PLATFORM,
            "member",
            "UI",
            body=_NEW,
            status=201,
            answer={
                "success": True,
                "data": {
                    "id": ID,
                    "name": "widget",
                    "api_key": SECRET,
                    "scopes": [str],
                    "restrictions": _RESTRICTIONS,
                    "expires_at": Maybe(TIME),
                    "allowed_projects": [ID],
                    "created_at": TIME,
                },
                "message": "API key created successfully. Save this key securely - it won't be shown again.",
            },
            needs={"data.api_key": "the web UI shows it"},
            refusals=(
                Refusal(400, at="scopes", body={**_NEW, "scopes": ["foo"]}),
                Refusal(400, at="scopes", body={**_NEW, "scopes": []}),
                Refusal(400, at="name", body={**_NEW, "name": "ab"}),
                Refusal(
                    400,
                    "Expiration date must be in the future",
                    body={**_NEW, "expires_at": "2020-01-01T00:00:00.000Z"},
                ),
                Refusal(
                    400,
                    "Some projects not found in this organization",
                    body={**_NEW, "allowed_projects": ["{absent_id}"]},
                ),
            ),
        ),
        Entry(
            "GET",
            PLATFORM,
            "viewer",
            "UI",
            given="a key of the viewer",
            answer={"success": True, "data": [_LISTED]},
        ),
        Entry(
            "GET",
            f"{PLATFORM}/{{key_id}}",
            "viewer",
            given="a key of the viewer",
            answer={"success": True, "data": _LISTED},
            refusals=(_GONE,),
        ),
        Entry(
            "PUT",
            f"{PLATFORM}/{{key_id}}",
            "member",
            before=(_MAKE,),
            body={"name": "renamed", "expires_at": None},
            answer={
                "success": True,
                "data": _platform_key(ID),
                "message": "API key updated successfully",
            },
            refusals=(_GONE, Refusal(400, at="scopes", body={"scopes": []})),
        ),
        Entry(
            "POST",
            f"{PLATFORM}/{{key_id}}/rotate",
            "member",
            "UI",
            before=(_MAKE,),
            answer={
                "success": True,
                "data": {"id": ID, "name": str, "api_key": SECRET, "rotated_at": TIME},
                "message": "API key rotated successfully. Save the new key securely - it won't be shown again.",
            },
            refusals=(_GONE,),
        ),
        Entry(
            "DELETE",
            f"{PLATFORM}/{{key_id}}",
            "member",
            "UI",
            before=(_MAKE,),
            answer={"success": True, "message": "API key revoked successfully"},
            refusals=(_GONE,),
        ),
        Entry(
            "GET",
            f"{PLATFORM}/{{key_id}}/usage",
            "viewer",
            "UI",
            given="a key of the viewer",
            answer={
                "success": True,
                "data": {
                    "api_key_id": ID,
                    "name": str,
                    "usage": _USAGE,
                    "restrictions": _RESTRICTIONS,
                    "daily_limit_remaining": Maybe(int),
                    "is_within_daily_limit": bool,
                },
            },
            refusals=(_GONE,),
        ),
    ),
)
