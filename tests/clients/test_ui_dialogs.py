"""The web UI's dialogs for agents and their tools: what is saved as it is shown stays as it was."""

from typing import Any

import pytest

from crafter.api_keys.documents import ApiKey
from tests.clients.page import Page
from tests.clients.ui import MODEL, TOOL_DIALOGS, create_agent, edited, is_time, new_agent


async def test_the_dialog_for_a_new_agent_tells_what_is_missing(ui: Page, base: str, key: ApiKey) -> None:
    refused = await ui.refused("POST", f"{base}/agents", new_agent(key, name=""))

    assert refused == (400, "Name can only contain letters, numbers, underscores, and hyphens, at most 100")


SECTIONS = {"identity_and_tone": "Dry.", "guardrails": "None.", "tools_and_apis": "", "output_format": ""}
GRAPH = {
    "enable_streaming": False,
    "enforce_language_detection": False,
    "enable_small_agent_graph": True,
    "graph_models": {"planner_model": MODEL, "responder_model": None, "critic_model": None},
    "prompt_sections": {**SECTIONS, "conversation_flow": "", "domain_workflows": ""},
}


@pytest.mark.parametrize(
    ("new", "changes"),
    [
        ({"tools": ["web_search", "faq", "request_human_handoff"]}, {}),
        ({}, {"config": GRAPH, "system_prompt": ""}),
        ({}, {"gdpr": {"encrypt_messages": False, "retention_days": 30}, "is_active": False}),
        ({"type": "task", "tools": ["calculator", "add_slide"]}, {"config": {"max_tool_calls": 4}}),
        ({}, {"question_suggestions": {"enabled": True, "count": 2, "custom_prompt": None}}),
    ],
    ids=["tools", "sections", "privacy", "task", "suggestions"],
)
async def test_an_agent_is_as_it_was_after_it_is_saved_as_it_is_shown(
    ui: Page, base: str, key: ApiKey, new: dict[str, Any], changes: dict[str, Any]
) -> None:
    path, agent = await create_agent(ui, base, key, **new)
    if suggestions := changes.get("question_suggestions"):
        changes = {"question_suggestions": {**suggestions, "api_key": key.id, "model": MODEL}}
    await ui.call("PUT", path, edited(agent) | changes)
    shown = edited(await ui.call("GET", path))

    await ui.call("PUT", path, shown)

    assert edited(await ui.call("GET", path)) == shown
    assert [row["name"] for row in await ui.call("GET", f"{base}/agents")] == ["Supporter"]
    for name, value in changes.items():
        expected = shown[name] | value if isinstance(value, dict) else value
        assert shown[name] == expected


@pytest.mark.parametrize("dialog", TOOL_DIALOGS)
async def test_the_settings_of_a_tool_are_as_they_were_after_they_are_saved_as_they_are_shown(
    ui: Page, base: str, key: ApiKey, dialog: str
) -> None:
    tool, form, read = TOOL_DIALOGS[dialog]
    path, _ = await create_agent(ui, base, key, tools=[tool])
    await ui.call("POST", f"{path}/{dialog}", form)
    shown = await ui.call("GET", f"{path}/{dialog}")
    assert read <= shown.keys()
    assert "secret-1" not in str(shown)

    await ui.call("POST", f"{path}/{dialog}", {name: shown[name] for name in read})

    assert await ui.call("GET", f"{path}/{dialog}") == shown


async def test_a_dialog_of_a_tool_that_the_agent_has_not_starts_empty(
    ui: Page, base: str, key: ApiKey
) -> None:
    path, _ = await create_agent(ui, base, key)

    assert (await ui.refused("GET", f"{path}/faq-config"))[0] == 404


async def test_a_calendar_is_connected_kept_and_taken_away(ui: Page, base: str, key: ApiKey) -> None:
    path, _ = await create_agent(ui, base, key, tools=["google_calendar"])
    dialog = f"{path}/google-calendar-config"
    assert not (await ui.call("GET", dialog))["configured"]

    form = {"calendar_id": "primary", "timezone": "Europe/Berlin", "user_email": "uma@example.com"}
    await ui.call("POST", dialog, {**form, "access_token": "at", "refresh_token": "rt"})
    again = await ui.call("POST", dialog, form)
    shown = await ui.call("GET", dialog)

    assert shown["configured"]
    assert is_time(shown["config"]["configured_at"])
    for config in (again["config"], shown["config"]):
        assert {name: config[name] for name in form} == form
        assert config["has_access_token"]
        assert config["has_refresh_token"]
    await ui.call("DELETE", dialog)
    assert not (await ui.call("GET", dialog))["configured"]
