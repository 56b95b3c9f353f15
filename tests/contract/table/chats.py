"""Section 5.9: chats."""

from tests.contract.entries import AGENT, Entry, Refusal, Section, Step
from tests.contract.shapes import (
    ANYTHING,
    ID,
    OBJECT,
    TIME,
    Each,
    Maybe,
    OneOf,
    like,
)
from tests.contract.table import objects
from tests.contract.table.agents import MAKE_AGENT, NO_AGENT

CHAT_USAGE = {**objects.USAGE, "cached_tokens?": int}
USED_TOOL = {
    "tool_name": str,
    "parameters": OBJECT,
    "execution_time_ms": int,
    "result": ANYTHING,
    "success": True,
}
CHAT_ANSWER = {
    "conversation_id": ID,
    "response": str,
    "thinking_process": [{"step": str, "reasoning": str, "tool_name?": str}],
    "tools_used": Each(USED_TOOL),
    "token_usage": CHAT_USAGE,
    "suggestions?": [str],
    "suggestion_usage?": {**objects.USAGE, "model": str, "execution_time_ms": int},
}
HANDOFF_FRAME = {"handoff_requested": bool, "handoff_info": Maybe(OBJECT)}
WAITING = "Your request has been forwarded to a human operator. Please wait for assistance."
WITH_HUMAN = "You are currently chatting with a human operator from our support team."
VENDOR_ERROR = like("openai API Error: .*Incorrect API key provided.*")
HANDOFF_ASKED = {
    "reason": "wants human",
    "urgency": "high",
    "context_summary": "ctx",
    "status": "handoff_requested",
    "requested_at": TIME,
}
UNAVAILABLE = (
    "This agent is currently unavailable. Your conversation has been forwarded to a human operator who will assist "
    "you shortly."
)
_ZEROS = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "cost": 0}
_SAY = {"message": "Hello", "user_identifier": "user-123", "conversation_id": None}
_GO_ON = {**_SAY, "conversation_id": "{conversation_id}"}
OWN_CODES = "failures are 404, 400 or 502 with LLM Crafter's texts, where it answers 500"
_ELSEWHERE = "Conversation not found or does not belong to this agent"
BY_KEY = "platform keys and the SDK's names are taken, too"

CHATS = Section(
    "5.9 Chats",
    (
        Entry(
            "POST",
            f"{AGENT}/chat",
            "member",
            "UI",
            body=_SAY,
            answer=CHAT_ANSWER,
            refusals=(
                Refusal(400, at="message", body={**_SAY, "message": ""}),
                Refusal(400, at="user_identifier", body={"message": "x"}),
                NO_AGENT,
                Refusal(404, _ELSEWHERE, body={**_SAY, "conversation_id": "{absent_id}"}),
                Refusal(400, "Agent is not a chatbot type", ids={"agent_id": "{task_agent_id}"}),
            ),
            differs=OWN_CODES,
        ),
        Entry(
            "POST",
            f"{AGENT}/chat",
            "member",
            "UI",
            body=_SAY,
            given="a tool that is called",
            answer={**CHAT_ANSWER, "tools_used": [USED_TOOL]},
            case="with a tool",
        ),
        Entry(
            "POST",
            f"{AGENT}/chat",
            "member",
            "UI",
            body={**_SAY, "context": None},
            given="an agent that suggests questions",
            answer={
                **CHAT_ANSWER,
                "suggestions": [OneOf(("One?", "Two?"))],
                "suggestion_usage": {**objects.USAGE, "model": str, "execution_time_ms": int},
            },
            case="with suggestions",
        ),
        Entry(
            "POST",
            f"{AGENT}/chat",
            "member",
            "UI",
            body=_SAY,
            given="a model that asks for a human",
            answer={
                "conversation_id": ID,
                "response": str,
                "handoff_requested": True,
                "handoff_info": HANDOFF_ASKED,
            },
            case="the model asks for a human",
        ),
        Entry(
            "POST",
            f"{AGENT}/chat",
            "member",
            "UI",
            body=_GO_ON,
            given="a conversation that waits",
            answer={
                "conversation_id": ID,
                "response": WAITING,
                "handoff_requested": True,
                "handoff_info": objects.HANDOFF,
                "token_usage": _ZEROS,
                "tools_used": [],
            },
            case="waiting for a human",
        ),
        Entry(
            "POST",
            f"{AGENT}/chat",
            "member",
            "UI",
            body=_GO_ON,
            given="a conversation with a human",
            answer={
                "conversation_id": ID,
                "response": WITH_HUMAN,
                "handoff_requested": False,
                "handoff_info": {**objects.HANDOFF, "assigned_human": ID, "handed_off_at": TIME},
                "token_usage": _ZEROS,
                "tools_used": [],
            },
            case="with a human",
        ),
        Entry(
            "POST",
            f"{AGENT}/chat",
            "member",
            "UI",
            before=(MAKE_AGENT, Step("PUT", f"{AGENT}/status", {"is_active": False})),
            body=_SAY,
            answer={
                "conversation_id": ID,
                "response": UNAVAILABLE,
                "current_handler": "human",
                "token_usage": _ZEROS,
                "tools_used": [],
            },
            case="a disabled agent",
        ),
        Entry(
            "POST",
            f"{AGENT}/chat/stream",
            "member",
            "UI",
            body=_SAY,
            frames={
                "type": "complete",
                "conversation_id": ID,
                "token_usage": CHAT_USAGE,
                **HANDOFF_FRAME,
                "suggestions": Maybe([str]),
            },
            refusals=(Refusal(400, at="message", body={}), NO_AGENT),
            differs=BY_KEY,
        ),
        Entry(
            "POST",
            f"{AGENT}/chat/stream",
            "member",
            "SDK",
            headers={"x-api-key": "{key}", "authorization": "Bearer {key}"},
            body={
                "message": "Hello",
                "conversationId": None,
                "userIdentifier": None,
                "dynamicContext": {},
            },
            frames={"type": "complete", "conversation_id": ID, "token_usage": CHAT_USAGE, **HANDOFF_FRAME},
            case="with a platform key, as the SDK calls it",
            differs=BY_KEY,
        ),
        Entry(
            "POST",
            f"{AGENT}/chat/stream",
            "member",
            "UI",
            body=_GO_ON,
            given="a conversation that waits",
            frames={
                "type": "complete",
                "conversation_id": ID,
                "token_usage": _ZEROS,
                "handoff_requested": True,
                "handoff_info": objects.HANDOFF,
            },
            case="waiting for a human",
            differs="`handoff_requested` is true, as in a chat without a stream: the web UI shows that one waits",
        ),
        Entry(
            "POST",
            f"{AGENT}/chat",
            "member",
            "UI",
            body=_SAY,
            given="a vendor that refuses",
            status=502,
            answer={"error": VENDOR_ERROR},
            case="the vendor refuses",
            differs="a vendor's failure is 502 or 504 with its text",
        ),
        Entry(
            "POST",
            f"{AGENT}/chat/stream",
            "member",
            "UI",
            body=_SAY,
            given="a model that asks for a human",
            frames={
                "type": "complete",
                "conversation_id": ID,
                "token_usage": CHAT_USAGE,
                "handoff_requested": True,
                "handoff_info": HANDOFF_ASKED,
            },
            case="the model asks for a human",
        ),
        Entry(
            "POST",
            f"{AGENT}/chat/stream",
            "member",
            "UI",
            body=_SAY,
            given="a vendor that refuses",
            frames={"type": "error", "error": VENDOR_ERROR},
            case="the vendor refuses",
        ),
        Entry(
            "POST",
            f"{AGENT}/chat/stream",
            "member",
            "UI",
            before=(MAKE_AGENT, Step("PUT", f"{AGENT}/status", {"is_active": False})),
            body=_SAY,
            frames={
                "type": "complete",
                "conversation_id": ID,
                "token_usage": _ZEROS,
                "handoff_requested": False,
                "handoff_info": None,
            },
            case="a disabled agent",
        ),
    ),
)
