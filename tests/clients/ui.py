"""What the web UI's dialogs for agents send, and what they read."""

from datetime import datetime
from typing import Any

from crafter.api_keys.documents import ApiKey
from tests.clients.page import Page

MODEL = "gpt-4o-mini"

API = {"endpoints": {"ping": {"base_url": "https://api.example.com", "path": "/ping", "methods": ["GET"]}}}
BEARER = {"authentication": {"type": "bearer_token", "config": {"token": "secret-1"}}}
TOOL_DIALOGS: dict[str, tuple[str, dict[str, Any], set[str]]] = {
    "api-config": ("api_caller", {**API, **BEARER}, {"endpoints", "authentication"}),
    "faq-config": ("faq", {"faqs": [{"question": "When?", "answer": "Now"}]}, {"faqs"}),
    "web-search-config": (
        "web_search",
        {"provider": "brave", "api_key": "secret-1", "default_max_results": 10, "enabled": True},
        {"provider", "api_key", "default_max_results", "enabled"},
    ),
    "webpage-scraper-config": (
        "webpage_scraper",
        {"provider": "local", "api_key": "", "enabled": True},
        {"provider", "enabled"},
    ),
}
"""By the last part of its path: the tool, what is saved, and what is read."""


def is_time(text: str) -> bool:
    """What ``new Date`` understands."""
    return datetime.fromisoformat(text).tzinfo is not None


def new_agent(key: ApiKey, **changes: Any) -> dict[str, Any]:
    """What the dialog for a new agent sends."""
    return {
        "name": "Supporter",
        "description": "",
        "type": "chatbot",
        "system_prompt": "You are kind.",
        "api_key": key.id,
        "llm_settings": {"model": MODEL, "parameters": {"temperature": 0.7, "max_tokens": 1000}},
        "tools": [],
        "is_active": True,
        **changes,
    }


async def create_agent(ui: Page, base: str, key: ApiKey, **changes: Any) -> tuple[str, dict[str, Any]]:
    """The path of a new agent, and the agent as its page reads it."""
    made = await ui.call("POST", f"{base}/agents", new_agent(key, **changes))
    path = f"{base}/agents/{made['_id']}"
    return path, await ui.call("GET", path)


def edited(agent: dict[str, Any]) -> dict[str, Any]:
    """What the dialog that edits an agent sends when nothing is changed in it."""
    config, suggestions, privacy = (
        agent.get(name) or {} for name in ("config", "question_suggestions", "gdpr")
    )
    chatbot, graph = agent["type"] == "chatbot", config.get("enable_small_agent_graph", False)
    sections = config.get("prompt_sections") if graph else None
    form = {
        "name": agent["name"],
        "description": agent.get("description") or "",
        "system_prompt": "" if sections else agent["system_prompt"],
        "api_key": agent["api_key"]["_id"],
        "llm_settings": {
            "model": agent["llm_settings"]["model"],
            "parameters": {
                name: agent["llm_settings"]["parameters"][name] for name in ("temperature", "max_tokens")
            },
        },
        "tools": [tool["name"] for tool in agent["tools"]],
        "is_active": agent["is_active"],
        "config": {"enable_streaming": config["enable_streaming"]},
        "gdpr": {
            "encrypt_messages": privacy.get("encrypt_messages", True),
            "retention_days": privacy.get("retention_days"),
        },
    }
    if chatbot:
        form["config"]["enforce_language_detection"] = config["enforce_language_detection"]
        form["config"]["enable_small_agent_graph"] = graph
    else:
        form["config"]["max_tool_calls"] = config["max_tool_calls"]
    if graph:
        form["config"]["graph_models"] = config["graph_models"]
    if sections:
        form["config"]["prompt_sections"] = sections
    if suggestions.get("enabled"):
        names = ("enabled", "count", "api_key", "model")
        form["question_suggestions"] = {name: suggestions[name] for name in names}
        form["question_suggestions"]["custom_prompt"] = suggestions.get("custom_prompt")
    return form
