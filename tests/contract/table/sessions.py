"""Section 5.10: sessions."""

from tests.contract.entries import Entry, Refusal, Section, Step
from tests.contract.shapes import (
    ABSENT,
    ID,
    SECRET,
    TIME,
    like,
)
from tests.contract.table import objects

_SESSION = {
    "_id": ID,
    "id": ID,
    "user_api_key": ID,
    "agent": {"_id": ID, "id": ID, "name": str, "type": "chatbot"},
    "expires_at": TIME,
    "client_ip?": str,
    "max_interactions": int,
    "interactions_used": int,
    "is_revoked": bool,
    "remaining_interactions": int,
    "is_expired": bool,
    "masked_token": like(r"st_\*{32}[0-9a-f]{8}"),
    "token_hash": ABSENT,
    **objects.STAMPS,
}
_BEGIN = Step("POST", "/sessions", {"agentId": "{agent_id}"}, {"session_id": "data.session_id"}, who="key")
_NO_SESSION = Refusal(404, "Session not found", ids={"session_id": "{absent_id}"})

SESSIONS = Section(
    "5.10 Sessions",
    (
        Entry(
            "POST",
            "/sessions",
            "key:agents:execute",
            "SDK, widget",
            body={"agentId": "{agent_id}", "userIdentifier": None},
            status=201,
            answer={
                "success": True,
                "data": {
                    "session_token": SECRET,
                    "session_id": ID,
                    "agent_id": ID,
                    "expires_at": TIME,
                    "max_interactions": 100,
                    "expires_in": 3600,
                },
                "message": "Session token generated successfully. Save this token securely - it won't be shown again.",
            },
            needs={"data.session_token": "the widget talks with it"},
            refusals=(
                Refusal(400, at="agentId", body={}),
                Refusal(400, at="maxInteractions", body={"agentId": "{agent_id}", "maxInteractions": 1001}),
                Refusal(400, at="expiresIn", body={"agentId": "{agent_id}", "expiresIn": 59}),
                Refusal(404, "Agent not found", body={"agentId": "{absent_id}"}),
                Refusal(401, "API key required", "API_KEY_REQUIRED", who="nobody"),
                Refusal(401, "Invalid API key", "INVALID_API_KEY", who="an unknown key"),
                Refusal(
                    403,
                    "Insufficient permissions",
                    "INSUFFICIENT_PERMISSIONS",
                    who="a scopeless key",
                    more={"required_scopes": ["agents:execute"], "available_scopes": ["projects:read"]},
                ),
            ),
        ),
        Entry(
            "GET",
            "/sessions",
            "key",
            "SDK",
            answer={
                "success": True,
                "data": [_SESSION | {"agent": {"_id": ID, "id": ID, "name": str, "type": str}}],
            },
            differs="the newest 1,000",
        ),
        Entry(
            "GET",
            "/sessions/{session_id}",
            "key",
            "SDK",
            answer={"success": True, "data": {**_SESSION, "is_valid": True}},
            refusals=(_NO_SESSION,),
        ),
        Entry(
            "DELETE",
            "/sessions/{session_id}",
            "key",
            "SDK",
            before=(_BEGIN,),
            answer={"success": True, "message": "Session revoked successfully"},
            refusals=(_NO_SESSION,),
        ),
        Entry(
            "DELETE",
            "/sessions",
            "key",
            "SDK",
            given="a second key with two sessions",
            answer={
                "success": True,
                "data": {"revoked_count": 2},
                "message": "2 sessions revoked successfully",
            },
        ),
        Entry(
            "POST",
            "/sessions/cleanup",
            "key:statistics:read",
            answer={
                "success": True,
                "data": {"deleted_count": 0},
                "message": "0 expired sessions cleaned up",
            },
            differs="only the key's own",
        ),
    ),
)
