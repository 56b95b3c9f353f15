"""Section 5.9: agents, their tools, chats, tasks, conversations and executions."""

from typing import Any

from tests.contract.entries import AGENT, MODEL, PROJECT, Entry, Refusal, Section, Step
from tests.contract.shapes import ABSENT, ANYTHING, ID, OBJECT, OBJECT_ID, TIME, Each, Maybe, OneOf
from tests.contract.table import objects

AGENTS_PATH = f"{PROJECT}/agents"
_NEW = {
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
_MAKE = Step("POST", AGENTS_PATH, {**_NEW, "name": "canary-{random}"}, {"agent_id": "_id"})
_NO_AGENT = Refusal(404, "Agent not found", ids={"agent_id": "{absent_id}"})
_SUGGESTING = {"enabled": True, "api_key": "{api_key_id}", "model": "gpt-4o-mini", "custom_prompt": None}

AGENTS = Section(
    "5.9 Agents",
    (
        Entry(
            "POST",
            AGENTS_PATH,
            "member",
            "UI",
            body=_NEW,
            status=201,
            answer={**objects.agent(ID, config=objects.NEW_CONFIG), "description": ""},
            refusals=(
                Refusal(400, "Agent name already exists in this project"),
                Refusal(
                    404,
                    "Project not found in this organization",
                    ids={"project_id": "{absent_id}"},
                ),
                Refusal(404, "API key not found in this project", body={**_NEW, "api_key": "{absent_id}"}),
                Refusal(
                    400,
                    "Invalid model for selected provider",
                    body={**_NEW, "llm_settings": {"model": "nope"}},
                ),
                Refusal(400, "Invalid tools: a, b", body={**_NEW, "tools": ["a", "b"]}),
                Refusal(
                    400,
                    "API key and model are required when enabling question suggestions",
                    body={**_NEW, "question_suggestions": {"enabled": True}},
                ),
                Refusal(400, at="name", body={**_NEW, "name": "no way"}),
                Refusal(400, at="type", body={**_NEW, "type": "robot"}),
                Refusal(400, at="system_prompt", body={**_NEW, "system_prompt": ""}),
                Refusal(
                    400,
                    at="llm_settings.parameters.temperature",
                    body={**_NEW, "llm_settings": {**MODEL, "parameters": {"temperature": 3}}},
                ),
            ),
        ),
        Entry(
            "POST",
            AGENTS_PATH,
            "member",
            "UI",
            body={
                **_NEW,
                "name": "sections",
                "system_prompt": "",
                "config": {"enable_small_agent_graph": True, "prompt_sections": {"guardrails": "g"}},
                "question_suggestions": _SUGGESTING,
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
            refusals=(_NO_AGENT,),
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
            before=(_MAKE,),
            body={"description": "new", "tools": ["current_time"], "is_active": True},
            answer={**objects.agent(objects.FULL_KEY), "version": 2, "description": "new"},
            refusals=(
                _NO_AGENT,
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
            before=(_MAKE,),
            answer={"message": "Agent deleted successfully"},
            refusals=(Refusal(404, "Agent not found"),),
            differs="its conversations and sessions are deleted with it",
        ),
        Entry(
            "PUT",
            f"{AGENT}/status",
            "member",
            before=(_MAKE,),
            body={"is_active": False},
            answer={
                "success": True,
                "message": "Agent disabled successfully",
                "agent": {"id": ID, "name": str, "is_active": False},
            },
            refusals=(_NO_AGENT, Refusal(400, at="is_active", body={})),
        ),
    ),
)

_TOOL = {"name": str, "description": str, "enabled": bool, "parameters?": OBJECT}
_MAKE_BARE = Step("POST", AGENTS_PATH, {**_NEW, "name": "bare-{random}", "tools": []}, {"agent_id": "_id"})


def _without(tool: str, status: int, body: Any = None) -> Refusal:
    text = f"Agent does not have {tool} tool configured"
    return Refusal(status, text, before=(_MAKE_BARE,), body=body)


AGENT_TOOLS = Section(
    "5.9 Tools of an agent",
    (
        Entry(
            "GET", f"{AGENT}/tools", "viewer", answer={"tools": [_TOOL], "count": int}, refusals=(_NO_AGENT,)
        ),
        Entry(
            "POST",
            f"{AGENT}/tools",
            "member",
            before=(_MAKE_BARE,),
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
                _NO_AGENT,
            ),
        ),
        Entry(
            "DELETE",
            f"{AGENT}/tools/{{tool_name}}",
            "member",
            before=(_MAKE,),
            answer={"message": "Tool removed successfully", "tool_name": "calculator"},
            refusals=(
                Refusal(404, "Tool not found", message="Tool 'calculator' is not configured for this agent."),
            ),
        ),
    ),
)

_ENDPOINT_AUTH = {"type": "api_key", "key_name": "X-K", "key_value": "canary-endpoint", "location": "header"}
_ENDPOINT = {"base_url": "https://api.example.com", "path": "/u/{id}", "methods": ["GET"], "description": "d"}
_CONFIG = {
    "endpoints": {"get_user": {**_ENDPOINT, "authentication": _ENDPOINT_AUTH}},
    "summarization": {"enabled": True, "model": "gpt-4o-mini", "max_tokens": 150, "min_size": 1000},
}
_SHOWN_ENDPOINT = {"base_url": str, "path": str, "methods": [str], "description": str}
_SHOWN_AUTH = {"type": "api_key", "key_name": "X-K", "location": "header"}
_MASKED = "secrets are `***`, which keeps the stored ones when it is sent back"
_MAKE_ENDPOINT = Step(
    "POST",
    f"{AGENT}/api-endpoints/create_user",
    {**_ENDPOINT, "authentication": _ENDPOINT_AUTH},
)
_MAKE_CALLER = Step(
    "POST", AGENTS_PATH, {**_NEW, "name": "caller-{random}", "tools": ["api_caller"]}, {"agent_id": "_id"}
)
_NAMED = {"endpoint_name": "create_user"}
_NO_ENDPOINT = Refusal(404, "Endpoint 'zz' not found", ids={"endpoint_name": "zz"})

API_CALLER = Section(
    "5.9 Calling endpoints",
    (
        Entry(
            "POST",
            f"{AGENT}/api-config",
            "member",
            "UI",
            before=(_MAKE_CALLER,),
            body=_CONFIG,
            answer={
                "message": "API configuration updated successfully",
                "endpoints": {
                    "get_user": {**_SHOWN_ENDPOINT, "authentication": {**_SHOWN_AUTH, "key_value": "***"}}
                },
                "authentication": OBJECT,
                "summarization": {"enabled": True, "model": str, "max_tokens": 150, "min_size": 1000},
            },
            differs=_MASKED,
            refusals=(
                _without("api_caller", 400, {}),
                Refusal(
                    400,
                    "Endpoint 'a' must have base_url and path",
                    body={"endpoints": {"a": {"path": "/"}}},
                ),
                _NO_AGENT,
            ),
        ),
        Entry(
            "POST",
            f"{AGENT}/api-config",
            "member",
            "UI",
            before=(_MAKE_CALLER, Step("POST", f"{AGENT}/api-config", _CONFIG)),
            body={
                "endpoints": {
                    "get_user": {**_ENDPOINT, "authentication": {**_SHOWN_AUTH, "configured": True}}
                },
                "authentication": {"type": "bearer_token", "configured": False, "deprecated": True},
            },
            answer={"endpoints": {"get_user": {"authentication": {**_SHOWN_AUTH, "key_value": "***"}}}},
            case="as it was read, from which the web UI keeps the secrets",
            differs="what was read and is sent back keeps the secrets",
        ),
        Entry(
            "GET",
            f"{AGENT}/api-config",
            "viewer",
            "UI",
            before=(_MAKE_CALLER, Step("POST", f"{AGENT}/api-config", _CONFIG)),
            answer={
                "endpoints": {
                    "get_user": {
                        **_SHOWN_ENDPOINT,
                        "authentication": {**_SHOWN_AUTH, "configured": True, "key_value": ABSENT},
                    }
                },
                "authentication": {"configured": False, "deprecated": True},
                "summarization": OBJECT,
            },
            refusals=(_without("api_caller", 404), _NO_AGENT),
        ),
        Entry(
            "POST",
            f"{AGENT}/api-endpoints/{{endpoint_name}}",
            "member",
            before=(_MAKE_CALLER,),
            ids=_NAMED,
            body={**_ENDPOINT, "authentication": _ENDPOINT_AUTH},
            status=201,
            answer={
                "message": "API endpoint added successfully",
                "endpoint_name": "create_user",
                "endpoint": {**_SHOWN_ENDPOINT, "authentication": _SHOWN_AUTH},
            },
            refusals=(
                Refusal(400, "Endpoint 'create_user' already exists. Use PUT to update it."),
                Refusal(400, "base_url and path are required", ids={"endpoint_name": "other"}, body={}),
            ),
            differs=_MASKED,
        ),
        Entry(
            "PUT",
            f"{AGENT}/api-endpoints/{{endpoint_name}}",
            "member",
            before=(_MAKE_CALLER, _MAKE_ENDPOINT),
            ids=_NAMED,
            body=_ENDPOINT,
            answer={
                "message": "API endpoint updated successfully",
                "endpoint_name": "create_user",
                "endpoint": _SHOWN_ENDPOINT,
            },
            refusals=(_NO_ENDPOINT,),
            differs=_MASKED,
        ),
        Entry(
            "GET",
            f"{AGENT}/api-endpoints/{{endpoint_name}}",
            "viewer",
            before=(_MAKE_CALLER, _MAKE_ENDPOINT),
            ids=_NAMED,
            answer={
                "endpoint_name": "create_user",
                "endpoint": {**_SHOWN_ENDPOINT, "authentication": {**_SHOWN_AUTH, "key_value": ABSENT}},
            },
            refusals=(_NO_ENDPOINT,),
        ),
        Entry(
            "DELETE",
            f"{AGENT}/api-endpoints/{{endpoint_name}}",
            "member",
            before=(_MAKE_CALLER, _MAKE_ENDPOINT),
            ids=_NAMED,
            answer={"message": "API endpoint deleted successfully", "endpoint_name": "create_user"},
            refusals=(_NO_ENDPOINT,),
        ),
    ),
)

_FAQS = {"faqs": [{"question": "Where?", "answer": "Here.", "category": "place"}]}
_FAQ = {"question": str, "answer": str, "category?": str}
_CALENDAR = {
    "calendar_id": str,
    "timezone": str,
    "has_access_token": bool,
    "has_refresh_token": bool,
    "user_email": Maybe(str),
    "configured_at": Maybe(TIME),
}
_TOKENS = {"access_token": "canary-access", "refresh_token": "canary-refresh", "user_email": "a@b.co"}
_SCRAPER = {"provider": "local", "has_api_key": False}
_SEARCH = {"provider": str, "default_max_results": int, "has_api_key": bool}
_MIRRORED = "what the web UI reads at the top level is there, too"
_MAKE_TOOLED = Step(
    "POST",
    AGENTS_PATH,
    {
        **_NEW,
        "name": "tooled-{random}",
        "tools": ["faq", "web_search", "webpage_scraper", "google_calendar", "add_slide"],
    },
    {"agent_id": "_id"},
)
_NO_VOICE = "Add the add_slide or generate_slide_audio tool first."
_HOOK = {
    "name": str,
    "enabled": True,
    "type": "llm",
    "trigger": "every_message",
    "inactivity_seconds": 60,
    "inactivity_condition": "any",
    "prompt": str,
    "model": None,
    "webhook_url": None,
    "webhook_secret": None,
    "context_messages": 5,
    "_id": OBJECT_ID,
    "id": OBJECT_ID,
}

TOOL_SETTINGS = Section(
    "5.9 Settings of tools",
    (
        Entry(
            "POST",
            f"{AGENT}/faq-config",
            "member",
            "UI",
            before=(_MAKE_TOOLED,),
            body=_FAQS,
            answer={"message": "FAQ configuration updated successfully", "faqs": [_FAQ], "count": 1},
            refusals=(
                Refusal(400, at="faqs[0].answer", body={"faqs": [{"question": "q", "answer": ""}]}),
                _without("faq", 400, _FAQS),
            ),
        ),
        Entry(
            "GET",
            f"{AGENT}/faq-config",
            "viewer",
            "UI",
            before=(_MAKE_TOOLED, Step("POST", f"{AGENT}/faq-config", _FAQS)),
            answer={
                "faqs": [_FAQ],
                "enable_partial_matching": True,
                "default_threshold": 0.7,
                "count": 1,
            },
            refusals=(_without("faq", 404),),
        ),
        Entry(
            "POST",
            f"{AGENT}/web-search-config",
            "member",
            "UI",
            before=(_MAKE_TOOLED,),
            body={
                "provider": "tavily",
                "api_key": "canary-search",
                "default_max_results": 7,
                "enabled": True,
            },
            answer={
                "message": "Web search configuration updated successfully",
                "provider": "tavily",
                "has_api_key": True,
                "default_max_results": 7,
            },
            refusals=(
                Refusal(400, at="provider", body={"provider": "google"}),
                Refusal(400, at="default_max_results", body={"default_max_results": 21}),
                _without("web_search", 400, {}),
            ),
        ),
        Entry(
            "GET",
            f"{AGENT}/web-search-config",
            "viewer",
            "UI",
            before=(_MAKE_TOOLED,),
            answer={"success": True, "data": _SEARCH, **_SEARCH, "enabled": bool},
            needs={"provider": "the web UI's dialog reads it here"},
            refusals=(_without("web_search", 404),),
            differs=_MIRRORED,
        ),
        Entry(
            "POST",
            f"{AGENT}/webpage-scraper-config",
            "member",
            "UI",
            before=(_MAKE_TOOLED,),
            body={"provider": "local", "api_key": ""},
            answer={"message": "Webpage scraper configuration updated successfully", **_SCRAPER},
            refusals=(
                Refusal(400, at="provider", body={"provider": "x"}),
                _without("webpage_scraper", 400, {}),
            ),
            differs="an empty `api_key` counts as not given, as the web UI sends it",
        ),
        Entry(
            "GET",
            f"{AGENT}/webpage-scraper-config",
            "viewer",
            "UI",
            before=(_MAKE_TOOLED,),
            answer={"success": True, "data": _SCRAPER, **_SCRAPER},
            refusals=(_without("webpage_scraper", 404),),
            differs=_MIRRORED,
        ),
        Entry(
            "POST",
            f"{AGENT}/google-calendar-config",
            "member",
            "UI",
            before=(_MAKE_TOOLED,),
            body=_TOKENS,
            answer={
                "message": "Google Calendar configuration updated successfully",
                **_CALENDAR,
                "config": _CALENDAR,
            },
            refusals=(
                Refusal(400, at="user_email", body={**_TOKENS, "user_email": "x"}),
                _without("google_calendar", 400, _TOKENS),
            ),
            differs="`config` is there as the web UI reads it, and saves without tokens keep them",
        ),
        Entry(
            "GET",
            f"{AGENT}/google-calendar-config",
            "viewer",
            "UI",
            before=(_MAKE_TOOLED, Step("POST", f"{AGENT}/google-calendar-config", _TOKENS)),
            answer={"success": True, "data": _CALENDAR, "configured": True, "config": _CALENDAR},
            needs={"config": "the web UI's dialog reads it", "configured": "the web UI's dialog reads it"},
            refusals=(_without("google_calendar", 404),),
            differs=_MIRRORED,
        ),
        Entry(
            "DELETE",
            f"{AGENT}/google-calendar-config",
            "member",
            "UI",
            before=(_MAKE_TOOLED,),
            answer={"message": "Google Calendar configuration removed successfully"},
        ),
        Entry(
            "POST",
            f"{AGENT}/voice-config",
            "member",
            before=(_MAKE_TOOLED,),
            body={"provider": "openai"},
            answer={
                "message": "Voice configuration updated successfully",
                "provider": "openai",
                "voice_id": None,
                "model": None,
                "has_api_key": False,
            },
            refusals=(
                Refusal(
                    400,
                    "No voice tools configured on this agent",
                    message=_NO_VOICE,
                    before=(_MAKE_BARE,),
                    body={},
                ),
            ),
            differs="400 without a tool that speaks",
        ),
        Entry(
            "GET",
            f"{AGENT}/voice-config",
            "viewer",
            before=(_MAKE_TOOLED,),
            answer={
                "success": True,
                "data": {
                    "provider": Maybe(str),
                    "voice_id": Maybe(str),
                    "model": Maybe(str),
                    "has_elevenlabs_api_key": bool,
                },
            },
            refusals=(
                Refusal(
                    404, "No voice tools configured on this agent", message=_NO_VOICE, before=(_MAKE_BARE,)
                ),
            ),
        ),
        Entry(
            "PUT",
            f"{AGENT}/question-suggestions",
            "member",
            before=(_MAKE,),
            body={"enabled": True, "count": 2, "api_key": "{api_key_id}", "model": "gpt-4o-mini"},
            answer={
                "message": "Question suggestions configuration updated successfully",
                "configuration": {"enabled": True, "count": 2, "api_key": ID, "model": "gpt-4o-mini"},
            },
            refusals=(
                Refusal(
                    404, "API key not found in this project", body={**_SUGGESTING, "api_key": "{absent_id}"}
                ),
                Refusal(400, "Invalid model for selected provider", body={**_SUGGESTING, "model": "nope"}),
                Refusal(
                    400,
                    "API key and model are required when enabling question suggestions",
                    before=(_MAKE_BARE,),
                    body={"enabled": True},
                ),
                Refusal(400, at="count", body={"count": 6}),
            ),
        ),
        Entry(
            "GET",
            f"{AGENT}/question-suggestions",
            "viewer",
            answer={"enabled": False, "count": 3, "model?": str, "api_key_configured": bool},
        ),
        Entry(
            "POST",
            f"{AGENT}/hooks",
            "member",
            before=(_MAKE,),
            body={"hooks": [{"name": "h", "type": "llm", "trigger": "every_message", "prompt": "p"}]},
            answer={"hooks": [_HOOK]},
            refusals=(
                Refusal(
                    400,
                    'LLM hook "h" requires a prompt',
                    body={"hooks": [{"name": "h", "type": "llm", "trigger": "every_message"}]},
                ),
            ),
            differs="stored; none runs yet",
        ),
        Entry(
            "GET",
            f"{AGENT}/hooks",
            "viewer",
            before=(
                _MAKE,
                Step(
                    "POST",
                    f"{AGENT}/hooks",
                    {"hooks": [{"name": "h", "type": "llm", "trigger": "every_message", "prompt": "p"}]},
                ),
            ),
            answer={"hooks": [_HOOK]},
        ),
    ),
)

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
UNAVAILABLE = (
    "This agent is currently unavailable. Your conversation has been forwarded to a human operator who will assist "
    "you shortly."
)
_ZEROS = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "cost": 0}
_SAY = {"message": "Hello", "user_identifier": "user-123", "conversation_id": None}
_GO_ON = {**_SAY, "conversation_id": "{conversation_id}"}
_OWN_CODES = "failures are 404, 400 or 502 with LLM Crafter's texts, where it answers 500"
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
                _NO_AGENT,
                Refusal(404, _ELSEWHERE, body={**_SAY, "conversation_id": "{absent_id}"}),
                Refusal(400, "Agent is not a chatbot type", ids={"agent_id": "{task_agent_id}"}),
            ),
            differs=_OWN_CODES,
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
                "handoff_info": {
                    "reason": "wants human",
                    "urgency": "high",
                    "context_summary": "ctx",
                    "status": "handoff_requested",
                    "requested_at": TIME,
                },
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
            before=(_MAKE, Step("PUT", f"{AGENT}/status", {"is_active": False})),
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
            refusals=(Refusal(400, at="message", body={}), _NO_AGENT),
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
    ),
)

_WORK = {"input": "do it", "user_identifier": "user-123"}
TASK_AGENT = {"agent_id": "{task_agent_id}"}
TASK_ANSWER = {
    "execution_id": ID,
    "output": str,
    "output_files": [],
    "thinking_process": [objects.TASK_STEP],
    "tools_used": Each(objects.EXECUTED_TOOL),
    "token_usage": CHAT_USAGE,
    "status": "completed",
}
_RUN = Step("POST", f"{PROJECT}/agents/{{task_agent_id}}/execute", _WORK, {"execution_id": "execution_id"})

TASKS = Section(
    "5.9 Tasks",
    (
        Entry(
            "POST",
            f"{AGENT}/execute",
            "member",
            "UI",
            ids=TASK_AGENT,
            body=_WORK,
            answer=TASK_ANSWER,
            refusals=(
                Refusal(400, at="input", body={}),
                _NO_AGENT,
                Refusal(400, "Agent is not a task type", ids={"agent_id": "{chatbot_id}"}),
            ),
            differs=_OWN_CODES + "; files are 501",
        ),
        Entry(
            "POST",
            f"{AGENT}/execute",
            "member",
            "UI",
            body=_WORK,
            given="a task agent that calls a tool",
            answer={**TASK_ANSWER, "tools_used": [objects.EXECUTED_TOOL]},
            case="with a tool",
        ),
        Entry(
            "POST",
            f"{AGENT}/execute/stream",
            "member",
            "UI",
            ids=TASK_AGENT,
            body=_WORK,
            frames={
                "type": "complete",
                "execution_id": ID,
                "token_usage": CHAT_USAGE,
                "tools_used": [],
                "status": "completed",
            },
            refusals=(Refusal(400, at="input", body={}), _NO_AGENT),
            differs="ends with `complete`, where LLM Crafter's always ends with an error; " + BY_KEY,
        ),
        Entry(
            "POST",
            f"{AGENT}/execute/stream",
            "member",
            "SDK",
            ids=TASK_AGENT,
            headers={"x-api-key": "{key}", "authorization": "Bearer {key}"},
            body={"input": "do it", "context": {}},
            frames={"type": "complete", "execution_id": ID, "token_usage": CHAT_USAGE, "status": "completed"},
            case="with a platform key, as the SDK calls it",
            differs=BY_KEY,
        ),
        Entry(
            "GET",
            f"{AGENT}/executions",
            "viewer",
            "UI",
            ids=TASK_AGENT,
            before=(_RUN,),
            query={"page": "1", "limit": "5", "status": "completed", "type": "task"},
            answer={
                "total": int,
                "page": 1,
                "limit": 5,
                "executions": [
                    {
                        "_id": ID,
                        "type": "task",
                        "status": "completed",
                        "usage": OBJECT,
                        "execution_time_ms": int,
                        "createdAt": TIME,
                        "metadata": OBJECT,
                    }
                ],
            },
        ),
        Entry(
            "GET",
            f"{AGENT}/executions/{{execution_id}}",
            "viewer",
            ids=TASK_AGENT,
            before=(_RUN,),
            answer=objects.EXECUTION,
            refusals=(Refusal(404, "Execution not found", ids={"execution_id": "{absent_id}"}),),
            differs="`tool_calls_count` is the number of calls; a failed run shows no stack",
        ),
    ),
)

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
            before=(_MAKE,),
            answer={"message": "All conversations deleted successfully", "deletedCount": 0},
            refusals=(_NO_AGENT,),
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

SECTIONS = (AGENTS, AGENT_TOOLS, API_CALLER, TOOL_SETTINGS, CHATS, TASKS, CONVERSATIONS)
