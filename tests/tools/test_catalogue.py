"""What models are shown of the system tools."""

from typing import Any

import pytest

from crafter.tools.catalogue import SYSTEM_TOOLS, SystemTool

BY_CATEGORY = {
    "web": {"web_search", "webpage_scraper"},
    "computation": {"calculator"},
    "llm": {"llm_prompt"},
    "data": {"json_processor"},
    "communication": {"api_caller", "request_human_handoff", "google_calendar"},
    "knowledge": {"faq", "rag_search"},
    "utility": {
        "current_time",
        "create_presentation",
        "add_slide",
        "generate_slide_audio",
        "save_presentation",
        "set_presentation_logo",
    },
}

PARAMETERS = {
    "calculator": ("expression*",),
    "current_time": ("timezone", "format"),
    "json_processor": ("data*", "operation", "path"),
    "web_search": ("query*", "max_results", "provider"),
    "webpage_scraper": ("url*", "provider"),
    "api_caller": ("endpoint_name*", "method", "path_params", "query_params", "body_data", "headers"),
    "faq": ("question*", "search_threshold", "language"),
    "rag_search": ("query*", "limit", "threshold", "search_type", "include_metadata"),
    "llm_prompt": ("prompt*", "api_key_id*", "system_prompt", "model", "temperature", "max_tokens"),
    "request_human_handoff": ("reason*", "urgency", "context_summary", "handoff_message"),
}

each_tool = pytest.mark.parametrize("tool", SYSTEM_TOOLS, ids=lambda tool: tool.name)


def test_the_sixteen_tools_have_the_categories_of_the_contract() -> None:
    found: dict[str, set[str]] = {}
    for tool in SYSTEM_TOOLS:
        found.setdefault(tool.category, set()).add(tool.name)

    assert len(SYSTEM_TOOLS) == 16
    assert found == BY_CATEGORY


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_are_those_of_the_contract(name: str) -> None:
    tool = next(tool for tool in SYSTEM_TOOLS if tool.name == name)

    assert {p.rstrip("*") for p in PARAMETERS[name]} == set(tool.parameters)
    assert {p.rstrip("*") for p in PARAMETERS[name] if p.endswith("*")} == set(tool.required)


@each_tool
def test_schemas_are_closed_and_every_argument_is_explained(tool: SystemTool) -> None:
    schema = tool.stored()["parameters_schema"]

    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) <= set(schema["properties"])
    assert len(tool.description) > 80
    for name, argument in schema["properties"].items():
        assert argument["description"].endswith("."), name


@each_tool
def test_defaults_keep_their_own_rules(tool: SystemTool) -> None:
    for argument in tool.parameters.values():
        if "default" in argument:
            assert_fits(argument["default"], argument)


@each_tool
def test_no_schema_has_a_key_that_the_database_cannot_take(tool: SystemTool) -> None:
    def keys_of(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [*value, *(key for inner in value.values() for key in keys_of(inner))]
        return [key for inner in value for key in keys_of(inner)] if isinstance(value, list) else []

    assert [key for key in keys_of(tool.stored()) if key.startswith("$") or "." in key or not key] == []


def test_no_tool_takes_a_secret_as_an_argument() -> None:
    names = {name for tool in SYSTEM_TOOLS for name in tool.parameters}

    assert [name for name in names if "token" in name.replace("max_tokens", "") or "secret" in name] == []


def assert_fits(value: Any, schema: Any) -> None:
    types = {
        "string": (str,),
        "integer": (int,),
        "number": (int, float),
        "boolean": (bool,),
        "object": (dict,),
    }
    assert isinstance(value, types[schema["type"]])
    assert value in schema.get("enum", [value])
    if schema["type"] in ("integer", "number"):
        assert schema.get("minimum", value) <= value <= schema.get("maximum", value)
