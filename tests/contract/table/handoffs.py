"""Sections 5.12 and 5.13: polling, and people who take over from agents; programs may, too."""

from collections.abc import Mapping
from typing import Any

from tests.contract.entries import PROJECT, Entry, Refusal, Section, Step
from tests.contract.shapes import ID, OBJECT, TIME, Maybe, OneOf, Some
from tests.contract.table import objects

LATEST = {
    "conversation_id": ID,
    "new_messages": [objects.MESSAGE],
    "current_handler": OneOf(("agent", "human")),
    "conversation_status": OneOf(("agent_controlled", "human_controlled", "handoff_requested")),
    "messaging_window": None,
    "handoff_active": bool,
    "handler_info?": Maybe(OBJECT),
    "last_poll": TIME,
    "message_count": int,
}
NO_CONVERSATION = Refusal(404, "Conversation not found", ids={"conversation_id": "{absent_id}"})
_SINCE = {"since": "2020-01-01T00:00:00.000Z", "include_system": "true"}
_WITH_HUMAN = {
    **LATEST,
    "operator_info": {"name": str},
    "new_messages": Some({**objects.MESSAGE, "role": "human_operator", "operator_info": {"name": str}}),
    "handoff_active": True,
    "handler_info": {"handed_off_at": TIME, "urgency": str, "assigned_external_operator": OBJECT},
}
_MEMBERS = "members of the conversation's organization; for others it is not there"
_UI = {
    "POST takeover": "UI",
    "POST message": "UI",
    "POST handback": "UI",
    "GET": "UI",
    "GET stream": "UI",
}
_AGENT_SHORT = {"_id": ID, "id": ID, "name": str, "type": "chatbot"}
_NEEDED = "the web UI's list shows it"


def lists(pending: str, mine: str, who: str, by: str = "") -> tuple[Entry, ...]:
    """What waits for a human, and what is with the caller."""
    shape = {
        "conversations": [objects.conversation(_AGENT_SHORT)],
        "pagination": objects.PAGING,
    }
    operator = {"external_operator_id": "eve"} if who.startswith("key") else {}
    return (
        Entry(
            "GET",
            pending,
            who,
            by,
            query={"page": "1", "limit": "20"},
            given="a conversation that waits",
            answer=shape,
            needs={"conversations[0].agent": _NEEDED, "conversations[0].handoff_info": _NEEDED},
            differs="at most the newest 200 messages of each",
        ),
        Entry(
            "GET",
            mine,
            who,
            by,
            query=operator,
            given="a conversation with the caller",
            answer=shape,
            needs={"conversations[0].agent": _NEEDED, "conversations[0].handoff_info": _NEEDED},
            differs="at most the newest 200 messages of each",
        ),
    )


def handling(path: str, who: str, by: Mapping[str, str] | None = None) -> tuple[Entry, ...]:
    """Looking at a conversation, taking it over, talking in it and handing it back."""
    by = by or {}
    is_key = who.startswith("key")
    external = {"external_id": "eve", "name": "Eve", "email": "eve@example.com"}
    taking = {"message": "Hi", **({"external_operator": external} if is_key else {})}
    told = {"external_operator_id": "eve"} if is_key else {}
    operator: dict[str, Any] = (
        {
            "type": "external",
            "id": "eve",
            "name": "Eve",
            "email": "eve@example.com",
            "avatar_url?": Maybe(str),
        }
        if is_key
        else {"type": "internal", "id": ID, "name": str, "email": str}
    )
    handler = "member" if who == "viewer" else who
    return (
        Entry(
            "GET",
            path,
            who,
            by.get("GET", ""),
            answer={
                "success": True,
                "conversation": objects.conversation({**_AGENT_SHORT, "description?": str}),
                "messaging_window": None,
            },
            refusals=(NO_CONVERSATION,),
            differs=_MEMBERS,
        ),
        Entry(
            "POST",
            f"{path}/takeover",
            handler,
            by.get("POST takeover", ""),
            body=taking,
            given="a conversation that waits",
            answer={
                "success": True,
                "conversation": {
                    **objects.conversation(OneOf((ID, OBJECT))),
                    "status": "human_controlled",
                    "current_handler": "human",
                },
                "operator": operator,
                "message": "Conversation taken over successfully",
            },
            refusals=(
                Refusal(400, "Conversation already under human control"),
                NO_CONVERSATION,
                Refusal(
                    400,
                    "external_operator requires at least external_id and name",
                    body={"external_operator": {"name": "x"}},
                ),
            ),
            differs="of two at once one gets it",
        ),
        Entry(
            "POST",
            f"{path}/message",
            handler,
            by.get("POST message", ""),
            body={"message": "Hello", **told},
            given="a conversation with the caller",
            answer={
                "success": True,
                "message": "Message sent successfully",
                "conversation": objects.conversation(OneOf((ID, OBJECT))),
            },
            refusals=(
                Refusal(400, "Message is required", body=told),
                NO_CONVERSATION,
            ),
            differs="stored only, in every channel",
        ),
        Entry(
            "POST",
            f"{path}/handback",
            handler,
            by.get("POST handback", ""),
            body=told or None,
            given="a conversation with the caller",
            answer={
                "success": True,
                "message": "Conversation handed back to agent",
                "conversation": {
                    **objects.conversation(OneOf((ID, OBJECT))),
                    "status": "agent_controlled",
                    "current_handler": "agent",
                },
            },
            refusals=(NO_CONVERSATION,),
            differs="400 for one that is with the agent",
        ),
        Entry(
            "GET",
            f"{path}/stream",
            who,
            by.get("GET stream", ""),
            unplayed="it ends when its reader leaves: tests/handoffs/test_streaming.py reads it",
            refusals=(NO_CONVERSATION,),
            differs="404 first; the newest 1,000 messages, 100 a frame; ends when access is lost",
        ),
    )


def operators(path: str, *, read: str, write: str) -> tuple[Entry, ...]:
    """The external operators of a project."""
    one = f"{path}/{{external_id}}"
    gone = Refusal(404, "Operator not found", ids={"external_id": "zz"})
    body, kept = {"external_id": "zoe", "name": "Zoe"}, {"external_id": "operator.external_id"}
    keep = Step("PUT", path, body, kept, who="key" if write.startswith("key") else "admin")
    bad_status = Refusal(400, "Status must be online, offline, or busy", body={"status": "asleep"})
    return (
        Entry(
            "PUT",
            path,
            write,
            body={"external_id": "eve", "name": "Eve", "email": "eve@example.com", "skills": ["de"]},
            answer={"success": True, "operator": {**objects.OPERATOR, "external_id": "eve"}},
            refusals=(Refusal(400, "external_id and name are required", body={}),),
        ),
        Entry(
            "GET",
            path,
            read,
            query={"status": "offline"},
            answer={"success": True, "operators": [objects.OPERATOR]},
        ),
        Entry(
            "GET",
            one,
            read,
            answer=OneOf((objects.OPERATOR, {"success": True, "operator": objects.OPERATOR})),
            refusals=(gone,),
        ),
        Entry(
            "DELETE",
            one,
            write,
            before=(keep,),
            answer={"success": True, "message": "Operator deleted"},
            refusals=(gone,),
        ),
        Entry(
            "PATCH",
            f"{one}/status",
            write,
            body={"status": "offline"},
            answer=OneOf((objects.OPERATOR, {"success": True, "operator": objects.OPERATOR})),
            refusals=(gone, bad_status),
        ),
        Entry(
            "PATCH",
            f"{path}/bulk/status",
            write,
            body={"operator_ids": ["{external_id}"], "status": "offline"},
            answer={"success": True, "modified_count": int},
            refusals=(bad_status,),
            differs="can be reached: LLM Crafter takes `bulk` for an operator",
        ),
    )


POLLING = Section(
    "5.12 Polling",
    (
        Entry(
            "GET",
            "/conversations/{conversation_id}/messages/latest",
            "viewer",
            "UI",
            given="a conversation with the caller",
            query=_SINCE,
            answer=_WITH_HUMAN,
            refusals=(NO_CONVERSATION,),
            needs={
                "new_messages": "the web UI's dialogs show them",
                "operator_info": "the web UI shows the operator's name",
            },
            differs=_MEMBERS,
        ),
        Entry(
            "GET",
            "/handoffs/conversations/{conversation_id}/messages/latest",
            "viewer",
            given="a conversation with the caller",
            query=_SINCE,
            answer=_WITH_HUMAN,
            refusals=(NO_CONVERSATION,),
            differs=_MEMBERS,
        ),
    ),
)

_ONE = "/handoffs/conversations/{conversation_id}"
_ORGANIZATION = "/handoffs/organizations/{organization_id}"
_CONVERSATIONS = {
    "conversations": [objects.conversation(_AGENT_SHORT)],
    "pagination": objects.PAGING,
}

HANDOFFS = Section(
    "5.13 Handoffs",
    (
        *lists("/handoffs/pending", "/handoffs/my-conversations", "signed in", "UI"),
        Entry(
            "GET",
            f"{_ORGANIZATION}/pending",
            "viewer",
            given="a conversation that waits",
            answer=_CONVERSATIONS,
            differs="at most the newest 200 messages of each",
        ),
        Entry(
            "GET",
            f"{_ORGANIZATION}/conversations",
            "viewer",
            query={"status": "agent_controlled", "channel": "website,email", "archived": "false"},
            answer=_CONVERSATIONS,
            differs="at most the newest 200 messages of each",
        ),
        *handling(_ONE, "viewer", _UI),
        Entry(
            "POST",
            f"{_ONE}/refuse",
            "member",
            body={"reason": "busy"},
            given="a conversation that waits",
            answer={
                "success": True,
                "message": "Handoff refused and conversation returned to AI",
                "ai_response": Maybe(str),
                "token_usage": Maybe(objects.USAGE),
            },
            refusals=(
                Refusal(
                    400,
                    "Conversation is not in a pending handoff state",
                    more={"current_status": "agent_controlled"},
                ),
                NO_CONVERSATION,
            ),
        ),
        Entry(
            "PATCH",
            f"{_ONE}/archive",
            "member",
            given="a conversation with the caller",
            answer={
                "success": True,
                "archived": True,
                "message": "Conversation archived",
                "conversation": objects.conversation(OneOf((ID, OBJECT))),
            },
            refusals=(NO_CONVERSATION,),
        ),
        *operators(f"/handoffs{PROJECT}/operators", read="viewer", write="member"),
    ),
)
