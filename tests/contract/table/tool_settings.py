"""Section 5.9: the settings of an agent's other tools, its question suggestions and hooks."""

from tests.contract.entries import AGENT, Entry, Refusal, Section, Step
from tests.contract.shapes import (
    ID,
    OBJECT_ID,
    TIME,
    Maybe,
)
from tests.contract.table.agents import (
    AGENTS_PATH,
    MAKE_AGENT,
    MAKE_BARE,
    NEW_AGENT,
    SUGGESTING,
    without,
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
        **NEW_AGENT,
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
                without("faq", 400, _FAQS),
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
            refusals=(without("faq", 404),),
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
                without("web_search", 400, {}),
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
            refusals=(without("web_search", 404),),
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
                without("webpage_scraper", 400, {}),
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
            refusals=(without("webpage_scraper", 404),),
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
                without("google_calendar", 400, _TOKENS),
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
            refusals=(without("google_calendar", 404),),
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
                    before=(MAKE_BARE,),
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
                    404, "No voice tools configured on this agent", message=_NO_VOICE, before=(MAKE_BARE,)
                ),
            ),
        ),
        Entry(
            "PUT",
            f"{AGENT}/question-suggestions",
            "member",
            before=(MAKE_AGENT,),
            body={"enabled": True, "count": 2, "api_key": "{api_key_id}", "model": "gpt-4o-mini"},
            answer={
                "message": "Question suggestions configuration updated successfully",
                "configuration": {"enabled": True, "count": 2, "api_key": ID, "model": "gpt-4o-mini"},
            },
            refusals=(
                Refusal(
                    404, "API key not found in this project", body={**SUGGESTING, "api_key": "{absent_id}"}
                ),
                Refusal(400, "Invalid model for selected provider", body={**SUGGESTING, "model": "nope"}),
                Refusal(
                    400,
                    "API key and model are required when enabling question suggestions",
                    before=(MAKE_BARE,),
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
            before=(MAKE_AGENT,),
            body={"hooks": [{"name": "h", "type": "llm", "trigger": "every_message", "prompt": "p"}]},
            answer={"hooks": [_HOOK]},
            refusals=(
                Refusal(
                    400,
                    'LLM hook "h" requires a prompt',
                    body={"hooks": [{"name": "h", "type": "llm", "trigger": "every_message"}]},
                ),
            ),
            differs="addresses are http or https, without user name, query and fragment",
        ),
        Entry(
            "GET",
            f"{AGENT}/hooks",
            "viewer",
            before=(
                MAKE_AGENT,
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
