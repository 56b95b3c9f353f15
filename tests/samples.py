"""One good body for each route that takes one, with every object that may be in it."""

import copy
import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.factories import PASSWORD
from tests.operations import Document, Operation
from tests.wire import Json
from tests.world import Ids

_PROJECT = "/organizations/{organization_id}/projects/{project_id}"
_AGENT = f"{_PROJECT}/agents"
_PARAMETERS = {
    "temperature": 0.5,
    "max_tokens": 10,
    "top_p": 1,
    "frequency_penalty": 0,
    "presence_penalty": 0,
}
_SETTINGS = {"model": "gpt-4o-mini", "parameters": _PARAMETERS}


def _agent(ids: Ids) -> Json:
    """All that an agent can be made of, and changed to."""
    return {
        "name": "all-of-it",
        "description": "d",
        "system_prompt": "You are kind.",
        "api_key": ids["api_key_id"],
        "llm_settings": _SETTINGS,
        "tools": ["calculator"],
        "fallbacks": [{"api_key": ids["api_key_id"], "model": "gpt-4o"}],
        "metadata": {"team": "support"},
        "gdpr": {"encrypt_messages": False, "retention_days": 30},
        "question_suggestions": {
            "enabled": True,
            "count": 2,
            "api_key": ids["api_key_id"],
            "model": "gpt-4o-mini",
            "custom_prompt": "p",
        },
        "message_transformers": [
            {
                "name": "t",
                "pattern": "a+",
                "webhook_url": "https://example.com/hook",
                "webhook_secret": "s",
                "channels": ["website"],
                "fallback": {"type": "text"},
                "timeout_ms": 100,
                "enabled": True,
            }
        ],
        "config": {
            "max_tool_calls": 3,
            "thinking_depth": "basic",
            "required_languages": ["en"],
            "display_summary_prompt": "p",
            "graph_models": {"planner_model": "gpt-4o"},
            "prompt_sections": {"guardrails": "g"},
            "handoff_config": {
                "auto_handoff_triggers": ["human"],
                "webhook_url": "https://example.com/hook",
                "webhook_secret": "s",
            },
        },
    }


_PROVIDER = {
    "name": "somebody",
    "models": ["m-1"],
    "display_name": "Somebody",
    "api_base_url": "https://api.example.com/v1",
    "capabilities": {"chat_completion": True, "embeddings": False},
}
_PLATFORM_KEY = {
    "name": "Widget",
    "scopes": ["agents:chat"],
    "restrictions": {
        "ip_whitelist": ["192.0.2.1"],
        "domain_whitelist": ["example.com"],
        "rate_limit_override": 5,
        "max_executions_per_day": 9,
    },
    "expires_at": "2099-01-31T00:00:00.000Z",
}
_STORAGE = {
    "enabled": True,
    "credentials": {
        "access_key_id": "id",
        "secret_access_key": "secret",
        "region": "eu",
        "bucket": "b",
        "endpoint": "https://s3.example.com",
    },
    "base_path": "p",
    "max_file_size_mb": 5,
    "allowed_mime_types": ["image/png"],
}
_CHAT = {"message": "Hello", "user_identifier": "u", "context": {"plan": "pro"}}
_TASK = {"input": {"text": "Summarize this."}, "user_identifier": "u", "context": {"plan": "pro"}}


_ENDPOINT = {
    "base_url": "https://api.example.com",
    "path": "/orders",
    "description": "d",
    "authentication": {"type": "bearer_token", "token": "t"},
    "headers": {"X-Plan": "pro"},
    "methods": ["GET"],
}
_PROMPT = {
    "title": "T",
    "description": "d",
    "content": "Greet {{name}}.",
    "system_prompt": "Be kind.",
    "tags": ["greeting"],
    "variables": [{"name": "name", "type": "string"}],
}

SAMPLES: Mapping[tuple[str, str], Callable[[Ids], Json]] = {
    ("POST", "/auth/register"): lambda _: {"email": "new@example.com", "password": PASSWORD, "name": "Eve"},
    ("POST", "/auth/login"): lambda _: {"email": "member@example.com", "password": PASSWORD},
    ("PUT", "/auth/profile"): lambda _: {"name": "Eve", "password": PASSWORD},
    ("POST", "/organizations"): lambda _: {"name": "Acme", "description": "d"},
    ("PUT", "/organizations/{organization_id}"): lambda _: {
        "name": "Acme",
        "description": "d",
        "media_storage": _STORAGE,
    },
    ("POST", "/organizations/{organization_id}:transfer"): lambda ids: {"user_id": ids["user_id"]},
    ("POST", "/organizations/{organization_id}/members"): lambda _: {
        "email": "outsider@example.com",
        "role": "viewer",
    },
    ("PUT", "/organizations/{organization_id}/members/{user_id}"): lambda _: {"role": "viewer"},
    ("POST", "/organizations/{organization_id}/budgets"): lambda ids: {
        "name": "Everything",
        "scope": {"type": "project", "id": ids["project_id"]},
        "unit": "usd",
        "limit": "25.5",
        "window": "month",
        "soft_pct": 50,
        "action": "warn",
        "on_unknown_price": "allow",
    },
    ("POST", f"{_PROJECT}/estimates"): lambda ids: {
        "model": "gpt-4o-mini",
        "api_key": ids["api_key_id"],
        "messages": [{"role": "user", "content": "Say hello."}],
        "max_tokens": 10,
        "as_of": "2026-01-31T09:15:00Z",
    },
    ("POST", "/organizations/{organization_id}/projects"): lambda _: {"name": "P", "description": "d"},
    ("PATCH", "/organizations/{organization_id}/projects/{project_id}"): lambda _: {
        "name": "P",
        "description": "d",
    },
    ("POST", "/providers"): lambda _: _PROVIDER,
    ("PUT", "/providers/{provider_id}"): lambda _: {**_PROVIDER, "name": "somebody-else"},
    ("POST", "/organizations/{organization_id}/projects/{project_id}/api-keys"): lambda ids: {
        "name": "K",
        "key": "sk-sample-0123456789",
        "provider": ids["provider_id"],
        "rate_limits": {"requests_per_minute": 60},
        "expires_at": "2099-01-31T00:00:00.000Z",
    },
    ("PATCH", "/organizations/{organization_id}/projects/{project_id}/api-keys/{api_key_id}"): lambda _: {
        "name": "K",
        "is_active": True,
        "rate_limits": {"requests_per_minute": 60},
        "expires_at": "2099-01-31T00:00:00.000Z",
    },
    ("POST", f"{_PROJECT}/api-keys/{{api_key_id}}:rotate"): lambda _: {
        "key": "sk-sample-next-0123456789",
        "grace_seconds": 60,
    },
    ("POST", "/organizations/{organization_id}/user-api-keys"): lambda ids: {
        **_PLATFORM_KEY,
        "allowed_projects": [ids["project_id"]],
    },
    ("PUT", "/organizations/{organization_id}/user-api-keys/{key_id}"): lambda ids: {
        **_PLATFORM_KEY,
        "allowed_projects": [ids["project_id"]],
    },
    ("POST", _AGENT): lambda ids: {**_agent(ids), "type": "chatbot"},
    ("PUT", f"{_AGENT}/{{agent_id}}"): lambda ids: {**_agent(ids), "name": "changed", "is_active": True},
    ("PUT", f"{_AGENT}/{{agent_id}}/status"): lambda _: {"is_active": False},
    ("POST", "/organizations/{organization_id}/projects/{project_id}/conversations"): lambda ids: {
        "agent": ids["agent_id"],
        "user_identifier": "u",
        "title": "T",
    },
    (
        "POST",
        "/organizations/{organization_id}/projects/{project_id}/conversations/{conversation_id}/messages",
    ): lambda _: {"role": "user", "content": "Hello"},
    ("POST", f"{_AGENT}/{{agent_id}}/chat"): lambda ids: {
        **_CHAT,
        "conversation_id": ids["conversation_id"],
    },
    ("POST", f"{_AGENT}/{{agent_id}}/chat/stream"): lambda ids: {
        **_CHAT,
        "conversation_id": ids["conversation_id"],
    },
    ("POST", f"{_AGENT}/{{agent_id}}/execute"): lambda _: _TASK,
    ("POST", f"{_AGENT}/{{agent_id}}/execute/stream"): lambda _: _TASK,
    ("POST", "/external/agents/execute"): lambda _: _TASK,
    ("POST", "/external/agents/execute/stream"): lambda _: _TASK,
    ("POST", f"{_AGENT}/{{agent_id}}/faq-config"): lambda _: {
        "faqs": [{"question": "q", "answer": "a", "category": "c"}],
        "enable_partial_matching": True,
        "default_threshold": 0.5,
    },
    ("POST", f"{_AGENT}/{{agent_id}}/hooks"): lambda _: {
        "hooks": [{"name": "h", "type": "llm", "trigger": "every_message", "prompt": "p"}]
    },
    ("POST", f"{_AGENT}/{{agent_id}}/api-config"): lambda _: {
        "endpoints": {"orders": _ENDPOINT},
        "summarization": {"enabled": True},
    },
    ("POST", f"{_AGENT}/{{agent_id}}/api-endpoints/{{endpoint_name}}"): lambda _: _ENDPOINT,
    ("PUT", f"{_AGENT}/{{agent_id}}/api-endpoints/{{endpoint_name}}"): lambda _: _ENDPOINT,
    ("POST", f"{_PROJECT}/prompts"): lambda _: {**_PROMPT, "name": "all_of_it"},
    ("PUT", f"{_PROJECT}/prompts/{{prompt_id}}"): lambda ids: {
        **_PROMPT,
        "api_key": ids["api_key_id"],
        "llm_settings": _SETTINGS,
    },
    ("POST", f"{_AGENT}/{{agent_id}}/google-calendar-config"): lambda _: {
        "access_token": "a",
        "refresh_token": "r",
        "calendar_id": "c",
        "timezone": "UTC",
        "user_email": "eve@example.com",
    },
    ("POST", "/handoffs/conversations/{conversation_id}/message"): lambda _: {"message": "Hello"},
    (
        "POST",
        "/external" + _PROJECT + "/conversations/{conversation_id}/message",
    ): lambda _: {"message": "Hello"},
    ("POST", "/proxy" + _PROJECT + "/execute/{prompt_name}"): lambda _: {"variables": {"name": "Eve"}},
    ("POST", "/external" + _PROJECT + "/prompts/{prompt_name}/execute"): lambda _: {
        "variables": {"name": "Eve"}
    },
    ("POST", "/openai/v1/chat/completions"): lambda _: {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": "Hello"}],
        "stop": "END",
        "tools": [{"type": "function", "function": {"name": "f", "description": "d", "strict": True}}],
        "tool_choice": "auto",
        "response_format": {"type": "text"},
        "stream_options": {"include_usage": True},
    },
    ("POST", "/openai/v1/responses"): lambda _: {
        "model": "gpt-4o-mini",
        "input": "Hello",
        "reasoning": {"effort": "low"},
        "text": {"format": {"type": "text"}},
        "tools": [{"type": "function", "name": "f", "description": "d", "strict": True}],
        "tool_choice": "auto",
        "metadata": {"team": "a"},
    },
    ("POST", "/tools/{tool_name}/execute"): lambda _: {"parameters": {"expression": "2 * 3"}},
    ("POST", "/proxy/test-prompt"): lambda ids: {
        "content": "Say hello to {{name}}.",
        "system_prompt": "Be kind.",
        "llm_settings": _SETTINGS,
        "api_key_id": ids["api_key_id"],
        "variables": {"name": "Eve"},
    },
}
"""Bodies that take more than a look at the OpenAPI document. Each is accepted, which a test checks."""


def sample_of(operation: Operation, document: Document, ids: Ids) -> Json:
    """A good body for an operation, or None where it takes none; what no table has is made from the document."""
    if not operation.takes_body:
        return None
    if (make := SAMPLES.get(operation.key)) is not None:
        return copy.deepcopy(make(ids))
    return _made_of(document.body_schema(operation), document, ids, "")


def _made_of(schema: Json, document: Document, ids: Ids, name: str) -> Json:
    """What the document asks for at least; ids are recognized by their names."""
    schema = document.resolve(schema)
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    if snake in ids:
        return ids[snake]
    for given in (
        schema.get("examples"),
        schema.get("enum"),
        [schema["const"]] if "const" in schema else None,
    ):
        if given:
            return given[0]
    if "anyOf" in schema:
        return _made_of(schema["anyOf"][0], document, ids, name)
    kind = schema.get("type")
    if kind == "object":
        inner = schema.get("properties", {})
        return {key: _made_of(inner[key], document, ids, key) for key in schema.get("required", ())}
    if kind == "array":
        return [_made_of(schema["items"], document, ids, name)] * schema.get("minItems", 0)
    plain: dict[Any, Json] = {"string": "x" * schema.get("minLength", 1), "boolean": True, None: {}}
    return plain.get(kind, schema.get("minimum", 0))
