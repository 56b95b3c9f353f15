"""Section 5.9: agents, and the tools they have."""

from typing import Any

from tests.contract.entries import AGENT, MODEL, PROJECT, Entry, Refusal, Section, Step
from tests.contract.shapes import (
    ABSENT,
    ID,
    OBJECT,
)
from tests.contract.table import objects

AGENTS_PATH = f"{PROJECT}/agents"
NEW_AGENT = {
    "name": "bot-1",
    "type": "chatbot",
    "system_prompt": "You are kind.",
    "api_key": "{api_key_id}",
    "llm_settings": {**MODEL, "parameters": {"temperature": 0.7, "max_tokens": 1000}},
    "tools": ["calculator"],
    "is_active": True,
    "config": {"enable_streaming": False},
    "gdpr": {"encrypt_messages": False, "retention_days": None},
}
MAKE_AGENT = Step("POST", AGENTS_PATH, {**NEW_AGENT, "name": "canary-{random}"}, {"agent_id": "_id"})
NO_AGENT = Refusal(404, "Agent not found", ids={"agent_id": "{absent_id}"})
SUGGESTING = {"enabled": True, "api_key": "{api_key_id}", "model": "gpt-4o-mini", "custom_prompt": None}

AGENTS = Section(
    "5.9 Agents",
    (
        Entry(
            "POST",
            AGENTS_PATH,
            "member",
            "UI",
            body=NEW_AGENT,
            status=201,
            answer={**objects.agent(ID, config=objects.NEW_CONFIG), "description": ""},
            refusals=(
                Refusal(400, "Agent name already exists in this project"),
                Refusal(
                    404,
                    "Project not found in this organization",
                    ids={"project_id": "{absent_id}"},
                ),
                Refusal(
                    404, "API key not found in this project", body={**NEW_AGENT, "api_key": "{absent_id}"}
                ),
                Refusal(
                    400,
                    "Invalid model for selected provider",
                    body={**NEW_AGENT, "llm_settings": {"model": "nope"}},
                ),
                Refusal(400, "Invalid tools: a, b", body={**NEW_AGENT, "tools": ["a", "b"]}),
                Refusal(
                    400,
                    "API key and model are required when enabling question suggestions",
                    body={**NEW_AGENT, "question_suggestions": {"enabled": True}},
                ),
                Refusal(400, at="name", body={**NEW_AGENT, "name": "no way"}),
                Refusal(400, at="type", body={**NEW_AGENT, "type": "robot"}),
                Refusal(400, at="system_prompt", body={**NEW_AGENT, "system_prompt": ""}),
                Refusal(
                    400,
                    at="llm_settings.parameters.temperature",
                    body={**NEW_AGENT, "llm_settings": {**MODEL, "parameters": {"temperature": 3}}},
                ),
            ),
        ),
        Entry(
            "POST",
            AGENTS_PATH,
            "member",
            "UI",
            body={
                **NEW_AGENT,
                "name": "sections",
                "system_prompt": "",
                "config": {"enable_small_agent_graph": True, "prompt_sections": {"guardrails": "g"}},
                "question_suggestions": SUGGESTING,
            },
            status=201,
            answer={**objects.agent(ID), "system_prompt": ""},
            case="sections and suggestions, as the web UI sends them",
            differs="accepts what the web UI sends: no system prompt, and `custom_prompt: null`",
        ),
        Entry(
            "GET",
            AGENTS_PATH,
            "viewer",
            "UI",
            answer=[objects.agent({**objects.LISTED_KEY, "key": ABSENT})],
            needs={"[0].api_key": "the web UI's list reads `api_key.provider.name`"},
        ),
        Entry(
            "GET",
            AGENT,
            "viewer",
            "UI",
            answer=objects.agent({**objects.FULL_KEY, "key": ABSENT}),
            needs={"api_key": "the web UI's form reads `api_key._id`"},
            refusals=(NO_AGENT,),
        ),
        Entry(
            "GET",
            AGENT,
            "viewer",
            "UI",
            given="an agent whose provider key was deleted",
            answer={"_id": ID, "id": ID, "api_key": OBJECT},
            needs={"api_key": "the web UI's form reads `api_key._id` without looking"},
            case="its provider key was deleted",
        ),
        Entry(
            "PUT",
            AGENT,
            "member",
            "UI",
            before=(MAKE_AGENT,),
            body={"description": "new", "tools": ["current_time"], "is_active": True},
            answer={**objects.agent(objects.FULL_KEY), "version": 2, "description": "new"},
            refusals=(
                NO_AGENT,
                Refusal(400, "Invalid tools: a", body={"tools": ["a"]}),
                Refusal(404, "API key not found in this project", body={"api_key": "{absent_id}"}),
            ),
            differs="the model is checked whenever it changes",
        ),
        Entry(
            "DELETE",
            AGENT,
            "admin",
            "UI",
            before=(MAKE_AGENT,),
            answer={"message": "Agent deleted successfully"},
            refusals=(Refusal(404, "Agent not found"),),
            differs="its conversations and sessions are deleted with it",
        ),
        Entry(
            "PUT",
            f"{AGENT}/status",
            "member",
            before=(MAKE_AGENT,),
            body={"is_active": False},
            answer={
                "success": True,
                "message": "Agent disabled successfully",
                "agent": {"id": ID, "name": str, "is_active": False},
            },
            refusals=(NO_AGENT, Refusal(400, at="is_active", body={})),
        ),
    ),
)

_TOOL = {"name": str, "description": str, "enabled": bool, "parameters?": OBJECT}
MAKE_BARE = Step(
    "POST", AGENTS_PATH, {**NEW_AGENT, "name": "bare-{random}", "tools": []}, {"agent_id": "_id"}
)


def without(tool: str, status: int, body: Any = None) -> Refusal:
    text = f"Agent does not have {tool} tool configured"
    return Refusal(status, text, before=(MAKE_BARE,), body=body)


AGENT_TOOLS = Section(
    "5.9 Tools of an agent",
    (
        Entry(
            "GET", f"{AGENT}/tools", "viewer", answer={"tools": [_TOOL], "count": int}, refusals=(NO_AGENT,)
        ),
        Entry(
            "POST",
            f"{AGENT}/tools",
            "member",
            before=(MAKE_BARE,),
            body={"tool_name": "json_processor"},
            status=201,
            answer={
                "message": "Tool added successfully",
                "tool": {"name": "json_processor", "description": str, "parameters": {}, "enabled": True},
            },
            refusals=(
                Refusal(
                    400,
                    "Tool already exists",
                    message="Tool 'json_processor' is already configured for this agent.",
                ),
                Refusal(
                    404,
                    "Tool not found",
                    message="Tool 'zz' is not available. Check available tools list.",
                    body={"tool_name": "zz"},
                ),
                NO_AGENT,
            ),
        ),
        Entry(
            "DELETE",
            f"{AGENT}/tools/{{tool_name}}",
            "member",
            before=(MAKE_AGENT,),
            answer={"message": "Tool removed successfully", "tool_name": "calculator"},
            refusals=(
                Refusal(404, "Tool not found", message="Tool 'calculator' is not configured for this agent."),
            ),
        ),
    ),
)
