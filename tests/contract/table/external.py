"""Section 5.11: what programs and the end users of an agent may do."""

from typing import Any

from tests.contract.entries import PROJECT, Entry, Refusal, Section, Step
from tests.contract.shapes import (
    ABSENT,
    ID,
    OBJECT_ID,
    TIME,
    Each,
    Maybe,
    Some,
    like,
)
from tests.contract.table import objects
from tests.contract.table.chats import CHAT_ANSWER, VENDOR_ERROR, WAITING
from tests.contract.table.handoffs import LATEST, NO_CONVERSATION, handling, lists, operators
from tests.contract.table.tasks import TASK_ANSWER

BACK_WITH_AI = "You are now back with our AI assistant."
_INFO = {"session_id": ID, "remaining_interactions": int, "expires_at": TIME}
_SAY: dict[str, Any] = {
    "message": "Hello",
    "conversationId": None,
    "userIdentifier": None,
    "dynamicContext": {},
}
_VISITOR = {
    "conversation_id": ID,
    "response": str,
    "session_info": _INFO,
    "thinking_process": ABSENT,
    "tools_used": ABSENT,
    "token_usage": ABSENT,
    "suggestion_usage": ABSENT,
}
_TOO_LONG = {**_SAY, "message": "x" * 4001}
_NULLS = "null counts as not given, as the SDK sends it by default; the session is named by its id"
_KEY_CHAT = f"/external{PROJECT}/agents/{{agent_id}}/chat"
_EXTERNAL = f"/external{PROJECT}"
_USE_A_SESSION = (
    Refusal(401, "Session token required", "SESSION_TOKEN_REQUIRED", who="nobody"),
    Refusal(401, "Invalid or expired session token", "INVALID_SESSION_TOKEN", who="an unknown session"),
)
_WORK = {"input": "do it", "context": {}}
_INACTIVE = "Associated API key is no longer active"
_SPENT = "Daily execution limit exceeded"
_ODD_SESSIONS = (
    Refusal(401, "Invalid or expired session token", "INVALID_SESSION_TOKEN", who="an expired session"),
    Refusal(401, "Invalid or expired session token", "INVALID_SESSION_TOKEN", who="a revoked session"),
    Refusal(401, _INACTIVE, "API_KEY_INACTIVE", who="a session of a revoked key"),
    Refusal(401, "Associated API key has expired", "API_KEY_EXPIRED", who="a session of an expired key"),
)
_ODD_KEYS = (
    Refusal(401, "Invalid API key", "INVALID_API_KEY", who="a revoked key"),
    Refusal(401, "API key expired", "API_KEY_EXPIRED", who="an expired key"),
    Refusal(403, "IP address not allowed", "ACCESS_RESTRICTED", who="a key for another address"),
    Refusal(403, "Domain not allowed", "ACCESS_RESTRICTED", who="a key for another domain"),
    Refusal(403, _SPENT, "ACCESS_RESTRICTED", who="an exhausted key"),
)

EXTERNAL = Section(
    "5.11 Programs and end users",
    (
        Entry(
            "POST",
            "/external/agents/upload",
            "session",
            status=400,
            answer={"error": str, "code": "MEDIA_STORAGE_NOT_CONFIGURED"},
            case="no media storage",
            differs="nothing can be uploaded yet",
        ),
        Entry(
            "POST",
            "/external/agents/chat",
            "session",
            "SDK, widget",
            body=_SAY,
            answer=_VISITOR,
            needs={
                "response": "the widget shows it",
                "conversation_id": "the widget goes on with it",
            },
            refusals=(
                *_USE_A_SESSION,
                *_ODD_SESSIONS,
                Refusal(400, at="message", body={}),
                Refusal(400, at="message", body=_TOO_LONG),
                Refusal(400, at="userIdentifier", body={**_SAY, "userIdentifier": "x" * 101}),
                Refusal(
                    404,
                    "Conversation not found or does not belong to this agent",
                    body={**_SAY, "conversationId": "{absent_id}"},
                ),
                Refusal(
                    429,
                    "Session interaction limit exceeded",
                    "INTERACTION_LIMIT_EXCEEDED",
                    who="a used-up session",
                    more={"max_interactions": 1, "interactions_used": 1},
                ),
            ),
            differs=_NULLS,
        ),
        Entry(
            "POST",
            "/external/agents/chat",
            "session",
            "SDK, widget",
            body=_TOO_LONG,
            status=400,
            answer={"error": "Message must be less than 4000 characters"},
            case="a message that is too long",
        ),
        Entry(
            "POST",
            "/external/agents/chat",
            "session",
            "SDK, widget",
            headers={"x-api-key": "{key}", "authorization": "Bearer {key}"},
            body={
                "message": "Hello",
                "userIdentifier": "anonymous",
                "dynamicContext": {"url": "https://example.com/a.b", "timestamp": "now"},
            },
            answer=_VISITOR,
            case="with a platform key beside the session, which wins",
        ),
        Entry(
            "POST",
            "/external/agents/chat",
            "session",
            "SDK, widget",
            body={**_SAY, "conversationId": "{conversation_id}"},
            given="a conversation that waits",
            answer={
                "conversation_id": ID,
                "response": WAITING,
                "handoff_requested": True,
                "handoff_info": objects.HANDOFF,
                "session_info": _INFO,
            },
            case="waiting for a human",
        ),
        Entry(
            "POST",
            "/external/agents/chat",
            "session",
            "SDK, widget",
            body=_SAY,
            given="a vendor that refuses",
            status=502,
            answer={"error": VENDOR_ERROR, "code": "EXECUTION_FAILED"},
            case="the vendor refuses",
            differs="a vendor's failure is 502 or 504, and takes no interaction",
        ),
        Entry(
            "POST",
            "/external/agents/chat/stream",
            "session",
            "SDK, widget",
            body=_SAY,
            given="a vendor that refuses",
            frames={"type": "error", "error": VENDOR_ERROR, "code": "EXECUTION_FAILED"},
            case="the vendor refuses",
        ),
        Entry(
            "POST",
            "/external/agents/chat/stream",
            "session",
            "SDK, widget",
            body=_SAY,
            frames={
                "type": "complete",
                "conversation_id": ID,
                "message_id": OBJECT_ID,
                "suggestions?": [str],
                "handoff_requested": False,
                "handoff_info": None,
                "session_info": _INFO,
            },
            needs={"message_id": "the widget knows the message by it when it polls"},
            refusals=(*_USE_A_SESSION, Refusal(400, at="message", body={})),
            differs=_NULLS,
        ),
        Entry(
            "POST",
            "/external/agents/chat/stream",
            "session",
            "SDK, widget",
            body={**_SAY, "conversationId": "{conversation_id}"},
            given="a conversation that waits",
            frames={
                "type": "complete",
                "conversation_id": ID,
                "message_id": None,
                "handoff_requested": True,
                "handoff_info": objects.HANDOFF,
                "session_info": _INFO,
            },
            case="waiting for a human",
            differs="`handoff_requested` is true, as in a chat without a stream",
        ),
        Entry(
            "POST",
            "/external/agents/execute",
            "session",
            "SDK",
            given="a session with the task agent",
            body=_WORK,
            answer={**TASK_ANSWER, "session_info": _INFO},
            refusals=(
                Refusal(400, at="input", body={}),
                Refusal(
                    400, "Input must be less than 12000 characters", at="input", body={"input": "x" * 26001}
                ),
            ),
        ),
        Entry(
            "POST",
            "/external/agents/execute/stream",
            "session",
            "SDK",
            given="a session with the task agent",
            body=_WORK,
            frames={"type": "complete", "execution_id": ID, "status": "completed", "session_info": _INFO},
            refusals=(Refusal(400, at="input", body={}),),
            differs="ends with `complete`, where LLM Crafter's always ends with an error",
        ),
        Entry(
            "GET",
            "/external/conversations/{conversation_id}/messages/latest",
            "visitor",
            "SDK, widget",
            given="a conversation of the session with a human",
            query={"since": "2020-01-01T00:00:00.000Z"},
            answer={**LATEST, "data": {"messages": [objects.MESSAGE]}},
            needs={
                "handoff_active": "the widget switches to the human by it",
                "last_poll": "the widget sends it back as `since`",
                "new_messages": "the widget shows them",
                "data": "the SDK's `pollForHumanMessages` reads it",
            },
            refusals=(
                NO_CONVERSATION,
                Refusal(
                    401,
                    "Authentication required",
                    "AUTH_REQUIRED",
                    who="nobody",
                    more={"accepted_methods": [str]},
                ),
            ),
            differs="only what the session's agent or the key has begun; `data` is added, as the SDK reads it",
        ),
        Entry(
            "GET",
            "/external/conversations/{conversation_id}/messages/latest",
            "visitor",
            "SDK",
            given="a conversation of the session that was handed back",
            query={"since": "2020-01-01T00:00:00.000Z"},
            answer={
                **LATEST,
                "handoff_active": False,
                "new_messages": Some({"role": "system", "code": "AI_JOINED", "content": BACK_WITH_AI}),
                "data": {"messages": Some({"role": "system", "content": like(".*handed back to agent.*")})},
            },
            needs={"data": "the SDK's `pollForHumanMessages` looks for `handed back to agent`"},
            case="handed back",
        ),
        Entry(
            "POST",
            _KEY_CHAT,
            "key:agents:chat",
            "SDK",
            body=_SAY,
            answer={
                **CHAT_ANSWER,
                "api_key_info": {"api_key_id": ID, "daily_limit_remaining": Maybe(int)},
            },
            refusals=(
                Refusal(404, "Agent not found", ids={"agent_id": "{absent_id}"}),
                Refusal(400, at="message", body={}),
                Refusal(
                    403,
                    "Access denied to this organization",
                    "ORGANIZATION_ACCESS_DENIED",
                    ids={"organization_id": "{absent_id}"},
                ),
                Refusal(
                    403,
                    "Access denied to this project",
                    "PROJECT_ACCESS_DENIED",
                    ids={"project_id": "{absent_id}"},
                ),
            ),
            differs="null counts as not given",
        ),
        Entry(
            "GET",
            f"{_EXTERNAL}/agents/{{agent_id}}",
            "key:agents:read",
            "SDK",
            answer={
                "success": True,
                "data": {
                    "id": ID,
                    "name": str,
                    "description?": str,
                    "type": "chatbot",
                    "version": int,
                    "is_active": True,
                    "tools": [{"name": str, "description": str, "enabled": bool, "parameters": ABSENT}],
                    "api_key": {"name": str, "provider": "openai", "key": ABSENT},
                },
            },
            refusals=(Refusal(404, "Agent not found", ids={"agent_id": "{absent_id}"}),),
        ),
        Entry(
            "GET",
            f"{_EXTERNAL}/agents",
            "key:agents:read",
            "SDK",
            answer={
                "success": True,
                "data": [
                    {
                        "id": ID,
                        "name": str,
                        "description?": str,
                        "type": str,
                        "version": int,
                        "is_active": True,
                    }
                ],
            },
        ),
        Entry(
            "GET",
            _EXTERNAL,
            "key:projects:read",
            "SDK",
            answer={"success": True, "data": {"id": ID, "organization": ID, "accessible": True}},
            refusals=(
                Refusal(
                    403,
                    "Access denied to this project",
                    "PROJECT_ACCESS_DENIED",
                    ids={"project_id": "{absent_id}"},
                ),
            ),
        ),
        Entry(
            "GET",
            "/external/organizations/{organization_id}/projects",
            "key:projects:read",
            "SDK",
            answer={"success": True, "data": [{"_id": ID, "id": ID, "name": str, "description?": str}]},
        ),
        Entry(
            "GET",
            f"{_EXTERNAL}/conversations/{{conversation_id}}/messages/latest",
            "key:agents:chat",
            "SDK",
            before=(Step("POST", _KEY_CHAT, _SAY, {"conversation_id": "conversation_id"}, who="key"),),
            query={"since": "2020-01-01T00:00:00.000Z"},
            answer={**LATEST, "data": {"messages": [objects.MESSAGE]}},
            refusals=(NO_CONVERSATION,),
            differs="only what the key has begun, and what the Node server stored",
        ),
        Entry(
            "GET",
            "/external/usage/api-key",
            "key:statistics:read",
            "SDK",
            answer={
                "success": True,
                "data": {
                    "api_key_id": ID,
                    "usage": {
                        "total_requests": int,
                        "executions_today": int,
                        "last_reset_date": TIME,
                        "last_used_at": TIME,
                    },
                    "restrictions": {"ip_whitelist": Each(str), "domain_whitelist": Each(str)},
                    "daily_limit_remaining": Maybe(int),
                },
            },
            refusals=_ODD_KEYS,
        ),
        *lists(
            f"{_EXTERNAL}/handoffs/pending", f"{_EXTERNAL}/handoffs/my-conversations", "key:handoffs:manage"
        ),
        *handling(f"{_EXTERNAL}/conversations/{{conversation_id}}", "key:handoffs:manage"),
        *operators(f"{_EXTERNAL}/operators", read="key:handoffs:manage", write="key:handoffs:manage"),
    ),
)
