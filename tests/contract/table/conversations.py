"""Section 5.9: the conversations of an agent, and their summaries."""

from tests.contract.entries import AGENT, Entry, Refusal, Section
from tests.contract.shapes import (
    ABSENT,
    ANYTHING,
    ID,
    OBJECT,
    TIME,
    Each,
    Maybe,
)
from tests.contract.table import objects
from tests.contract.table.agents import MAKE_AGENT, NO_AGENT

_ALIASES = {"createdAt": TIME, "updatedAt": TIME}
_NO_TALK = Refusal(404, "Conversation not found", ids={"conversation_id": "{absent_id}"})
_CONVERSATIONS = f"{AGENT}/conversations"
_SUMMARY_STATUS = {
    "has_summary": bool,
    "messages_count": int,
    "last_summary_index": int,
    "requires_summarization": bool,
}
_SUMMARY = {
    "key_topics": Each(str),
    "important_decisions": Each(str),
    "unresolved_issues": Each(str),
    "user_preferences?": ANYTHING,
    "context_data?": ANYTHING,
    "tool_results": Each(ANYTHING),
    "summary_translations": Each(ANYTHING),
    "created_at": TIME,
    "message_count_when_summarized": int,
}

CONVERSATIONS = Section(
    "5.9 Conversations",
    (
        Entry(
            "GET",
            _CONVERSATIONS,
            "viewer",
            "UI",
            query={"page": "1", "limit": "10", "user_identifier": "u", "status": "agent_controlled"},
            answer={
                "total": int,
                "page": 1,
                "limit": 10,
                "conversations": [
                    {
                        "_id": ID,
                        "user_identifier": str,
                        "title": str,
                        "channel": "website",
                        "status": str,
                        "metadata": OBJECT,
                        "dynamic_context": Maybe(OBJECT),
                        "dynamic_context_updated_at?": Maybe(TIME),
                        "created_at": TIME,
                        "updated_at": TIME,
                        "messages": ABSENT,
                        "message_count": int,
                        **_ALIASES,
                    }
                ],
            },
            needs={"conversations[0].createdAt": "the web UI prints it"},
            differs="`createdAt`, `updatedAt` and `message_count` are added, as the web UI reads them",
        ),
        Entry(
            "GET",
            f"{_CONVERSATIONS}/{{conversation_id}}",
            "viewer",
            "UI",
            answer={**objects.conversation(), **_ALIASES, "messages": [objects.MESSAGE]},
            needs={"createdAt": "the web UI prints it"},
            refusals=(_NO_TALK,),
            differs="`createdAt` and `updatedAt` are added; at most the newest 1,000 messages",
        ),
        Entry(
            "DELETE",
            _CONVERSATIONS,
            "admin",
            "UI",
            before=(MAKE_AGENT,),
            answer={"message": "All conversations deleted successfully", "deletedCount": 0},
            refusals=(NO_AGENT,),
        ),
        Entry(
            "POST",
            f"{_CONVERSATIONS}/{{conversation_id}}/summarize",
            "member",
            answer={
                "message": "Conversation does not need summarization",
                "summary_status": _SUMMARY_STATUS,
            },
            refusals=(_NO_TALK,),
            differs="422 where messages are encrypted: a summary would be in the clear",
        ),
        Entry(
            "GET",
            f"{_CONVERSATIONS}/{{conversation_id}}/summary",
            "viewer",
            answer={
                "summary": _SUMMARY,
                "summary_status": {
                    **_SUMMARY_STATUS,
                    "messages_since_last_summary": int,
                    "summary_version": int,
                    "estimated_token_savings": int,
                },
            },
            refusals=(_NO_TALK,),
            differs="`has_summary` tells whether there is one",
        ),
    ),
)
