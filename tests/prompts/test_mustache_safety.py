"""Templates of strangers: what is wrong is said with its place, and nothing is evaluated, endless or slow."""

import contextlib
import html
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crafter.core.errors import BadInput
from crafter.prompts.errors import InvalidTemplate, RenderingTooLarge
from crafter.prompts.mustache import (
    MAX_NESTING,
    MAX_OUTPUT_BYTES,
    MAX_STEPS,
    MAX_TAGS,
    MAX_TEMPLATE_BYTES,
    free_names,
    render,
)

SECONDS = 2.0
"""A template that took time in proportion to the square of its length would need minutes."""

TAGS = ["{{a}}", "{{{b}}}", "{{&a.b}}", "{{#a}}", "{{^b}}", "{{/a}}", "{{/b}}", "{{.}}", "{{!x}}", "{{>p}}"]
PIECES = [
    *TAGS,
    "{{=<% %>=}}",
    "<%a%>",
    "<%={{ }}=%>",
    "{{",
    "}}",
    "{",
    "}",
    "=",
    " ",
    "\n",
    "\r\n",
    "text",
    "é",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "x"]), inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("template", "message", "position"),
    [
        ("{{x", "Unclosed tag at line 1, column 1", 0),
        ("Hi\n  {{name}} {{ x }", "Unclosed tag at line 2, column 12", 14),
        ("{{{x}}", "Unclosed tag at line 1, column 1", 0),
        ("{{! note", "Unclosed tag at line 1, column 1", 0),
        ("{{=<% %>}}", "Unclosed tag at line 1, column 1", 0),
        ("{{=", "Unclosed tag at line 1, column 1", 0),
        ("a{{=<%=}}", "Invalid delimiters at line 1, column 2", 1),
        ("a {{#b}} c", 'Unclosed section "b" at line 1, column 3', 2),
        ("{{#a}}\n{{#b}}{{/a}}{{/b}}", 'Unclosed section "b" at line 2, column 1', 7),
        ("a\nb{{/c}}", 'Unopened section "c" at line 2, column 2', 3),
    ],
)
def test_what_is_wrong_is_said_with_its_place(template: str, message: str, position: int) -> None:
    with pytest.raises(InvalidTemplate) as caught:
        render(template, {"a": True, "b": True})

    assert caught.value.message == message
    assert caught.value.details["position"] == position


@pytest.mark.parametrize(
    "name",
    [
        "x.__class__",
        "x.upper",
        "x.__class__.__mro__",
        "l.append",
        "l.-1",
        "l.01",
        "o.items",
        "o.keys",
        "x.0",
        "l.9999999999",
    ],
)
def test_names_reach_into_values_and_no_further(name: str) -> None:
    values = {"x": "text", "l": [1, 2], "o": {"a": 1}}

    assert render(f"[{{{{{name}}}}}]{{{{#{name}}}}}!{{{{/{name}}}}}", values) == "[]"


def test_what_is_inserted_is_not_a_template() -> None:
    values = {"x": "{{other}} {{=<% %>=}} {{#other}}", "other": "secret", "list": ["{{other}}"]}

    assert (
        render("{{{x}}}|{{#list}}{{{.}}}{{/list}}|{{other}}", values) == f"{values['x']}|{{{{other}}}}|secret"
    )


@pytest.mark.parametrize(
    ("template", "values", "error"),
    [
        ("x" * (MAX_TEMPLATE_BYTES + 1), {}, InvalidTemplate),
        ("é" * (MAX_TEMPLATE_BYTES // 2 + 1), {}, InvalidTemplate),
        ("{{a}}" * (MAX_TAGS + 1), {}, InvalidTemplate),
        ("{{#a}}" * (MAX_NESTING + 1) + "{{/a}}" * (MAX_NESTING + 1), {}, InvalidTemplate),
        ("{{a}}{{a}}", {"a": "x" * (MAX_OUTPUT_BYTES // 2 + 1)}, RenderingTooLarge),
        ("{{{a}}}", {"a": "é" * (MAX_OUTPUT_BYTES // 2 + 1)}, RenderingTooLarge),
        ("{{a}}", {"a": "<" * (MAX_OUTPUT_BYTES // 2)}, RenderingTooLarge),
        ("{{#a}}{{/a}}", {"a": [1] * (MAX_STEPS + 1)}, RenderingTooLarge),
        ("{{#a}}{{#a}}{{#a}}{{/a}}{{/a}}{{/a}}", {"a": [1] * 1_000}, RenderingTooLarge),
        ("{{#a}}" * 8 + "x" + "{{/a}}" * 8, {"a": [1] * 10}, RenderingTooLarge),
    ],
    ids=[
        *("a long template", "a long template in bytes", "many tags", "deep nesting", "much output"),
        *("much output in bytes", "much output by escaping", "a long loop", "loops in loops", "deep loops"),
    ],
)
def test_there_is_an_end_to_everything(template: str, values: dict[str, Any], error: type[BadInput]) -> None:
    with pytest.raises(error):
        render(template, values)


@pytest.mark.parametrize(
    ("template", "values", "length"),
    [
        ("x" * MAX_TEMPLATE_BYTES, {}, MAX_TEMPLATE_BYTES),
        ("{{{a}}}", {"a": "é" * (MAX_OUTPUT_BYTES // 2)}, MAX_OUTPUT_BYTES // 2),
        ("{{#a}}" * MAX_NESTING + "x" + "{{/a}}" * MAX_NESTING, {"a": True}, 1),
        ("{{a}}" * MAX_TAGS, {"a": "x"}, MAX_TAGS),
        ("{{#a}}{{.}}{{/a}}", {"a": ["x"] * 10_000}, 10_000),
    ],
)
def test_what_reaches_a_limit_is_rendered(template: str, values: dict[str, Any], length: int) -> None:
    assert len(render(template, values)) == length


def test_lists_within_lists_have_an_end() -> None:
    nested: Any = "x"
    for _ in range(5_000):
        nested = [nested]

    with pytest.raises(RenderingTooLarge):
        render("{{a}}", {"a": nested})


_SIZE = MAX_TEMPLATE_BYTES - 20
HOSTILE: dict[str, tuple[str, dict[str, Any]]] = {
    "spaces after an opening": ("{{" + " " * _SIZE, {}),
    "spaces before a closing": ("{{a" + " " * _SIZE + "}}", {}),
    "spaces within a name": ("{{a" + " " * _SIZE + "b}}", {}),
    "only line ends": ("\n" * _SIZE, {}),
    "only openings": ("{{" * (_SIZE // 2), {}),
    "only closings": ("}}" * (_SIZE // 2), {}),
    "only sections": ("{{#a}}" * (_SIZE // 6), {"a": True}),
    "half closed braces": ("{{{a}}" * (_SIZE // 6), {}),
    "changing delimiters": ("{{=<% %>=}}<%={{ }}=%>" * (_SIZE // 23), {}),
    "delimiters of any length": ("{{=" + "<" * (_SIZE // 2) + " >=}}" + "<" * (_SIZE // 3), {}),
    "lines of their own": ("  {{!x}}  \n" * (_SIZE // 12), {}),
    "a long path": ("{{a" + ".a" * (_SIZE // 2) + "}}", {"a": {"a": 1}}),
    "a long path in a loop": (
        "{{#l}}{{a" + ".a" * (_SIZE // 3) + "}}{{/l}}",
        {"a": {"a": 1}, "l": [1] * 9_999},
    ),
    "a miss in many contexts": ("{{#a}}" * 60 + "{{x}}" * 9_000 + "{{/a}}" * 60, {"a": {"a": {}}}),
    "a list of nothing": ("{{a}}" * MAX_TAGS, {"a": [None] * 20_000}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_takes_more_than_time_in_proportion(name: str) -> None:
    template, values = HOSTILE[name]
    started = time.perf_counter()

    with contextlib.suppress(BadInput):
        render(template, values)

    assert time.perf_counter() - started < SECONDS


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(PIECES), max_size=30).map("".join) | st.text(),
    st.dictionaries(st.sampled_from(["a", "b"]), JSON),
)
@example("{{#a}}{{b.x}}{{/a}}", {"a": [None], "b": {"x": float("inf")}})
def test_rendering_answers_text_or_says_what_is_wrong(template: str, values: dict[str, Any]) -> None:
    try:
        text = render(template, values)
    except (InvalidTemplate, RenderingTooLarge):
        return

    assert isinstance(text, str)


@given(st.text())
def test_any_value_is_inserted_as_it_is_or_escaped_so_that_html_reads_the_same(value: str) -> None:
    assert render("{{{x}}}", {"x": value}) == value
    assert (
        html.unescape(render("[{{x}}]", {"x": value.replace("&", "and")})) == f"[{value.replace('&', 'and')}]"
    )


@given(st.text().filter(lambda text: "{{" not in text))
def test_text_without_tags_stays_as_it_is(text: str) -> None:
    assert render(text, {}) == text


def test_the_free_names_are_those_outside_of_sections() -> None:
    template = "{{b}} {{a.x}} {{{b}}} {{.}} {{#s}}{{inner}}{{/s}}{{^t}}{{other}}{{/t}} {{&c}}"

    assert free_names(template) == ["b", "a", "c"]
