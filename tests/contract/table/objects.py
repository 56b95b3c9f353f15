"""The objects that several endpoints answer with."""

from typing import Any

from tests.contract.shapes import (
    ANYTHING,
    ID,
    NUMBER,
    OBJECT,
    OBJECT_ID,
    TIME,
    Each,
    Maybe,
    OneOf,
)

STAMPS = {"createdAt": TIME, "updatedAt": TIME, "__v": int}
"""The timestamps of most documents, and their revision."""
BIRTHS = {"created_at": TIME, "updated_at": TIME, "__v": int}
"""Those of conversations and operators."""

PERSON = {"_id": ID, "id": ID, "email": str, "name": str}
ACCOUNT = {"id": ID, "email": str, "name": str, "emailVerified": bool, "isOAuthUser": bool, "avatar?": str}


def organization(*, owner: Any = ID, user: Any = ID) -> dict[str, Any]:
    """An organization; who owns it and who its members are, by their ids or as people."""
    return {
        "_id": ID,
        "id": ID,
        "name": str,
        "description?": str,
        "owner": owner,
        "members": [
            {"user": user, "role": OneOf(("admin", "member", "viewer")), "_id": OBJECT_ID, "id": OBJECT_ID}
        ],
        "media_storage": {
            "enabled": bool,
            "credentials": {"region": str, "access_key_id?": "***", "secret_access_key?": "***"},
            "base_path": str,
            "max_file_size_mb": int,
            "allowed_mime_types": [str],
        },
        **STAMPS,
    }


PROJECT = {"_id": ID, "id": ID, "name": str, "description?": str, "organization": ID, **STAMPS}
PROVIDER = {"_id": ID, "name": str, "models": [str], **STAMPS}
PROVIDER_KEY = {
    "_id": ID,
    "name": str,
    "provider": {"_id": ID, "name": str, "models": [str]},
    "project": ID,
    "is_active": bool,
    "usage": {
        "total_tokens": int,
        "total_cost": NUMBER,
        "usage_by_model": Each(
            {"model": str, "input_tokens": int, "output_tokens": int, "cost": NUMBER, "_id": OBJECT_ID}
        ),
    },
    **STAMPS,
}
PROMPT = {
    "_id": ID,
    "name": str,
    "description?": str,
    "content?": str,
    "system_prompt?": str,
    "project": ID,
    "version": int,
    "api_key?": ID,
    "llm_settings?": {"model?": str, "parameters?": OBJECT},
    **STAMPS,
}
AGENT_TOOL = {
    "name": str,
    "description": str,
    "enabled": bool,
    "_id": OBJECT_ID,
    "id": OBJECT_ID,
    "parameters?": OBJECT,
}
_SECTIONS = (
    *("identity_and_tone", "tools_and_apis", "conversation_flow", "output_format", "guardrails"),
    "domain_workflows",
)
HANDOFF_SENTENCE = (
    "I understand this requires specialized assistance. Let me connect you with one of our team members who can "
    "better help you with this. Please wait a moment."
)
FALLBACK_PROMPT = (
    "The human operator has not joined yet. Politely let the user know you are still waiting for an operator to "
    "connect, apologise for the delay, and offer to help with anything you can in the meantime."
)
NEW_CONFIG = {
    "max_conversation_length": 50,
    "auto_end_after_minutes": 30,
    "context_window_strategy": "truncate",
    "timeout_seconds": 300,
    "max_tool_calls": 10,
    "enable_thinking": True,
    "thinking_depth": "basic",
    "enable_streaming": False,
    "enforce_language_detection": True,
    "required_languages": [],
    "display_summary_prompt": None,
    "title_generation_prompt": None,
    "enable_small_agent_graph": False,
    "graph_enable_critic": True,
    "graph_models": {"planner_model": None, "responder_model": None, "critic_model": None},
    "prompt_sections": dict.fromkeys(_SECTIONS, ""),
    "handoff_config": {
        "allow_agent_handoff": True,
        "auto_handoff_triggers": [],
        "handoff_message_template": HANDOFF_SENTENCE,
        "max_failed_attempts": 3,
        "require_online_operator": False,
        "webhook_url": None,
        "webhook_secret": None,
        "fallback_timeout_seconds": None,
        "fallback_prompt": FALLBACK_PROMPT,
        "max_fallback_attempts": 1,
    },
}
"""An agent's settings where nothing was said of them."""


def agent(api_key: Any, *, config: Any = OBJECT) -> dict[str, Any]:
    """An agent; what its provider key looks like depends on the endpoint."""
    return {
        "_id": ID,
        "id": ID,
        "name": str,
        "description?": str,
        "type": OneOf(("chatbot", "task", "workflow", "api")),
        "organization": ID,
        "project": ID,
        "system_prompt": str,
        "api_key": api_key,
        "llm_settings": {
            "model": str,
            "parameters": {
                "temperature": NUMBER,
                "max_tokens": int,
                "top_p": NUMBER,
                "frequency_penalty": NUMBER,
                "presence_penalty": NUMBER,
            },
        },
        "tools": Each(AGENT_TOOL),
        "config": config,
        "question_suggestions": {"enabled": bool, "count": int},
        "is_active": bool,
        "version": int,
        "message_transformers": Each({"name": str, "_id": OBJECT_ID, "id": OBJECT_ID}),
        "gdpr": {"encrypt_messages": bool, "retention_days": Maybe(int)},
        "hooks": Each({"name": str, "_id": OBJECT_ID, "id": OBJECT_ID}),
        **STAMPS,
    }


LISTED_KEY = {"_id": ID, "name": str, "provider": {"_id": ID, "name": str}}
FULL_KEY = {"_id": ID, "name": str, "provider": {"_id": ID, "name": str, "models": [str]}}

USAGE = {"prompt_tokens": int, "completion_tokens": int, "total_tokens": int, "cost": NUMBER}
MESSAGE = {
    "_id": OBJECT_ID,
    "role": OneOf(("user", "assistant", "system", "tool", "human_operator")),
    "content": str,
    "timestamp": TIME,
    "thinking_process": Each({"step": str, "reasoning": str, "timestamp": TIME, "_id": OBJECT_ID}),
    "tools_used": Each(
        {
            "tool_name": str,
            "parameters": OBJECT,
            "result?": ANYTHING,
            "execution_time_ms": int,
            "timestamp": TIME,
            "_id": OBJECT_ID,
        }
    ),
    "token_usage?": USAGE,
    "channel_info": {"media": Each(OBJECT)},
    "is_summarized": bool,
    "code": Maybe(str),
    "handler_info?": OBJECT,
}
HANDOFF = {
    "urgency": OneOf(("low", "medium", "high")),
    "fallback_attempts": int,
    "last_fallback_at": Maybe(TIME),
    "fallback_locked_until": Maybe(TIME),
    "refused_at": Maybe(TIME),
    "refused_by": Maybe(ANYTHING),
    "refusal_reason": Maybe(str),
    "requested_at?": TIME,
    "handed_off_at?": TIME,
}


def conversation(agent: Any = ID, **more: Any) -> dict[str, Any]:
    """A conversation with its messages."""
    return {
        "_id": ID,
        "agent": agent,
        "user_identifier": str,
        "title": str,
        "channel": "website",
        "status": OneOf(("agent_controlled", "human_controlled", "handoff_requested")),
        "current_handler": OneOf(("agent", "human")),
        "archived": bool,
        "handoff_info": HANDOFF,
        "last_customer_message_at?": TIME,
        "current_turn_language": Maybe(str),
        "dynamic_context": Maybe(OBJECT),
        "dynamic_context_updated_at?": Maybe(TIME),
        "metadata": {
            "total_tokens_used": int,
            "total_cost": NUMBER,
            "tools_executed_count": int,
            "last_summary_index": int,
            "summary_version": int,
            "requires_summarization": bool,
            "last_activity": TIME,
        },
        "conversation_summary": {
            "key_topics": Each(str),
            "important_decisions": Each(str),
            "unresolved_issues": Each(str),
            "tool_results": Each(ANYTHING),
            "summary_translations": Each(ANYTHING),
            "message_count_when_summarized": int,
            "created_at": TIME,
        },
        "gdpr": {"encrypt_messages": bool},
        "title_translations": Each(ANYTHING),
        "channel_history": Each(ANYTHING),
        "hook_executions": Each(ANYTHING),
        "messages": Each(MESSAGE),
        **BIRTHS,
        **more,
    }


EXECUTED_TOOL = {
    "tool_name": str,
    "parameters": OBJECT,
    "result": ANYTHING,
    "execution_time_ms": int,
    "status": OneOf(("success", "failed")),
    "error_message": Maybe(str),
    "timestamp": TIME,
    "_id": OBJECT_ID,
}
TASK_STEP = {"step": str, "reasoning": str, "timestamp": TIME, "data": ANYTHING, "_id": OBJECT_ID}
EXECUTION = {
    "_id": ID,
    "agent": ID,
    "type": "task",
    "input": ANYTHING,
    "output": ANYTHING,
    "status": "completed",
    "thinking_process": [TASK_STEP],
    "tools_executed": Each(EXECUTED_TOOL),
    "output_files": Each(OBJECT),
    "usage": {**USAGE, "tool_calls_count": int, "suggestions": {**USAGE, "generated": bool}},
    "metadata": {"user_identifier": str, "priority": "normal"},
    "execution_time_ms": int,
    "started_at": TIME,
    "completed_at": TIME,
    **STAMPS,
}
OPERATOR = {
    "_id": ID,
    "external_id": str,
    "name": str,
    "email?": str,
    "avatar_url?": str,
    "organization": ID,
    "project": ID,
    "skills": Each(str),
    "status": OneOf(("online", "offline", "busy")),
    "metadata?": OBJECT,
    **BIRTHS,
}
PAGING = {"page": 1, "limit": int, "total": int, "pages": int}
