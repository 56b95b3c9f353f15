"""Mustache as its specification has it, and where that leaves room, or is not followed, as mustache.js 4.2 has it."""

from typing import Any

import pytest

from crafter.prompts.mustache import render

Case = tuple[str, str, dict[str, Any], str]

DEEP = {"a": {"b": {"c": {"d": {"e": {"name": "Phil"}}}}}}

INTERPOLATION: list[Case] = [
    ("no tags", "Hello from {Mustache}!\n", {}, "Hello from {Mustache}!\n"),
    ("a value", "Hello, {{subject}}!", {"subject": "world"}, "Hello, world!"),
    (
        "what HTML knows is escaped",
        "{{x}}",
        {"x": "& \" < > ' / ` ="},
        "&amp; &quot; &lt; &gt; &#39; &#x2F; &#x60; &#x3D;",
    ),
    ("three braces are raw", "{{{x}}}", {"x": "& \" < > ' / ` ="}, "& \" < > ' / ` ="),
    ("an ampersand is raw", "{{&x}}", {"x": "<b>"}, "<b>"),
    ("an integer", '"{{mph}} miles"', {"mph": 85}, '"85 miles"'),
    ("an integer, raw", "{{{mph}}}{{&mph}}", {"mph": 85}, "8585"),
    ("a decimal", "{{power}} {{{power}}} {{&power}}", {"power": 1.210}, "1.21 1.21 1.21"),
    ("null", "I ({{cannot}}) ({{{cannot}}}) ({{&cannot}})", {"cannot": None}, "I () () ()"),
    ("a missing name", "I ({{cannot}}) ({{{cannot}}}) ({{&cannot}})", {}, "I () () ()"),
    (
        "a dotted name",
        "{{person.name}} {{{person.name}}} {{&person.name}}",
        {"person": {"name": "Joe"}},
        "Joe Joe Joe",
    ),
    ("a dotted name of any depth", "{{a.b.c.d.e.name}}", DEEP, "Phil"),
    ("a dotted name with a missing link", "[{{a.b.c}}]", {"a": {}}, "[]"),
    (
        "a dotted name is looked up as a whole",
        "[{{a.b.c.name}}]",
        {"a": {"b": {}}, "c": {"name": "Jim"}},
        "[]",
    ),
    (
        "a dotted name begins in the innermost context",
        "{{#a}}{{b.c.d.e.name}}{{/a}}",
        {**DEEP, "b": {"c": {"d": {"e": {"name": "Wrong"}}}}},
        "Phil",
    ),
    (
        "a dotted name goes outwards until it is whole",
        "{{#a}}{{b.c}}{{/a}}",
        {"a": {"b": {}}, "b": {"c": "outer"}},
        "outer",
    ),
    ("the current value", "{{#a}}{{.}} {{{.}}} {{&.}}{{/a}}", {"a": "<b>"}, "&lt;b&gt; <b> <b>"),
    ("white space around a tag", "| {{s}} |{{{s}}} |{{&s}} |", {"s": "---"}, "| --- |--- |--- |"),
    ("a value alone on its line", "  {{s}}\n  {{{s}}}\n  {{&s}}\n", {"s": "---"}, "  ---\n  ---\n  ---\n"),
    (
        "white space inside a tag",
        "|{{ s }}|{{{ s }}}|{{& s }}|{{\n&\ts\n}}|",
        {"s": "---"},
        "|---|---|---|---|",
    ),
]

SECTIONS: list[Case] = [
    ("true", "[{{#b}}shown{{/b}}]", {"b": True}, "[shown]"),
    ("false", "[{{#b}}hidden{{/b}}]", {"b": False}, "[]"),
    ("null", "[{{#b}}hidden{{/b}}]", {"b": None}, "[]"),
    ("missing", "[{{#b}}hidden{{/b}}]", {}, "[]"),
    (
        "an object is the context",
        "{{#person}}Hi {{name}}.{{/person}}",
        {"person": {"name": "Joe"}},
        "Hi Joe.",
    ),
    (
        "names are looked for outwards",
        "{{#sec}}{{a}}, {{b}}, {{c.d}}{{/sec}}",
        {"a": "foo", "b": "wrong", "sec": {"b": "bar"}, "c": {"d": "baz"}},
        "foo, bar, baz",
    ),
    ("a string is the context", "{{#foo}}{{.}} is {{foo}}{{/foo}}", {"foo": "bar"}, "bar is bar"),
    (
        "lists in lists",
        (
            "{{#tops}}{{#middles}}{{tname.lower}}{{mname}}.{{#bottoms}}{{tname.upper}}{{mname}}{{bname}}.{{/bottoms}}"
            "{{/middles}}{{/tops}}"
        ),
        {
            "tops": [
                {
                    "tname": {"upper": "A", "lower": "a"},
                    "middles": [{"mname": "1", "bottoms": [{"bname": "x"}, {"bname": "y"}]}],
                }
            ]
        },
        "a1.A1x.A1y.",
    ),
    (
        "many levels",
        (
            "{{#a}}\n{{one}}\n{{#b}}\n{{one}}{{two}}\n{{#c.d}}\n{{one}}{{two}}{{four}}\n{{#five}}\n"
            "{{four}}{{.}}6\n{{/five}}\n{{/c.d}}\n{{two}}\n{{/b}}\n{{one}}\n{{/a}}\n"
        ),
        {"a": {"one": 1}, "b": {"two": 2}, "c": {"d": {"four": 4, "five": 5}}},
        "1\n12\n124\n456\n2\n1\n",
    ),
    ("a list", "{{#list}}{{item}}{{/list}}", {"list": [{"item": 1}, {"item": 2}, {"item": 3}]}, "123"),
    ("an empty list", "[{{#list}}hidden{{/list}}]", {"list": []}, "[]"),
    ("an empty object", "[{{#o}}shown{{/o}}]", {"o": {}}, "[shown]"),
    ("a string is no list", "{{#s}}foo{{/s}}", {"s": "123"}, "foo"),
    ("an empty string", "[{{#s}}hidden{{/s}}]", {"s": ""}, "[]"),
    ("zero", "[{{#n}}hidden{{/n}}]", {"n": 0}, "[]"),
    ("another number", "[{{#n}}{{.}}{{/n}}]", {"n": -1.5}, "[-1.5]"),
    (
        "several of a name",
        "{{#bool}}\n* first\n{{/bool}}\n* {{two}}\n{{#bool}}\n* third\n{{/bool}}\n",
        {"bool": True, "two": "second"},
        "* first\n* second\n* third\n",
    ),
    ("within one of the same name", "| A {{#b}}B {{#b}}C{{/b}} D{{/b}} E |", {"b": True}, "| A B C D E |"),
    ("within a hidden one", "| A {{#b}}B {{#b}}C{{/b}} D{{/b}} E |", {"b": False}, "| A  E |"),
    ("strings as items", "{{#list}}({{.}}){{/list}}", {"list": ["a", "b"]}, "(a)(b)"),
    ("integers as items", "{{#list}}({{.}}){{/list}}", {"list": [1, 2]}, "(1)(2)"),
    ("decimals as items", "{{#list}}({{.}}){{/list}}", {"list": [1.10, 2.20]}, "(1.1)(2.2)"),
    ("lists as items", "{{#list}}({{#.}}{{.}}{{/.}}){{/list}}", {"list": [[1, 2], ["a"]]}, "(12)(a)"),
    ("null as an item", "{{#list}}({{.}}{{x}}){{/list}}", {"list": [None], "x": "outer"}, "(outer)"),
    ("a dotted name", "[{{#a.b.c}}Here{{/a.b.c}}]", {"a": {"b": {"c": True}}}, "[Here]"),
    ("a dotted name that is false", "[{{#a.b.c}}Here{{/a.b.c}}]", {"a": {"b": {"c": False}}}, "[]"),
    ("a dotted name with a missing link", "[{{#a.b.c}}Here{{/a.b.c}}]", {"a": {}}, "[]"),
    ("white space around", " | {{#b}}\t|\t{{/b}} | \n", {"b": True}, " | \t|\t | \n"),
    ("white space within", " | {{#b}} {{! note }}\n {{/b}} | \n", {"b": True}, " |  \n  | \n"),
    ("on one line", " {{#b}}YES{{/b}}\n {{#b}}GOOD{{/b}}\n", {"b": True}, " YES\n GOOD\n"),
    ("a line of its own", "| This\n{{#b}}\n|\n{{/b}}\n| Line\n", {"b": True}, "| This\n|\n| Line\n"),
    (
        "an indented line of its own",
        "| This\n  {{#b}}\n|\n  {{/b}}\n| Line\n",
        {"b": True},
        "| This\n|\n| Line\n",
    ),
    ("a line of its own with a carriage return", "|\r\n{{#b}}\r\n{{/b}}\r\n|", {"b": True}, "|\r\n|"),
    ("a line of its own at the beginning", "  {{#b}}\n#{{/b}}\n/", {"b": True}, "#\n/"),
    ("a line of its own at the end", "#{{#b}}\n/\n  {{/b}}", {"b": True}, "#\n/\n"),
    ("white space inside a tag", "|{{# b }}={{/ b }}|", {"b": True}, "|=|"),
    (
        "the length of a list",
        "{{list.length}}{{#list.length}} items{{/list.length}}",
        {"list": [7, 8]},
        "2 items",
    ),
    ("the length of a string", "{{s.length}}", {"s": "four"}, "4"),
    ("an item by its number", "{{list.1.name}}[{{list.2.name}}]", {"list": [{}, {"name": "b"}]}, "b[]"),
]

INVERTED: list[Case] = [
    ("false", "[{{^b}}shown{{/b}}]", {"b": False}, "[shown]"),
    ("true", "[{{^b}}hidden{{/b}}]", {"b": True}, "[]"),
    ("null", "[{{^b}}shown{{/b}}]", {"b": None}, "[shown]"),
    ("missing", "[{{^b}}shown{{/b}}]", {}, "[shown]"),
    ("an object", "[{{^o}}hidden{{/o}}]", {"o": {"name": "Joe"}}, "[]"),
    ("a list", "[{{^list}}hidden{{/list}}]", {"list": [{"n": 1}]}, "[]"),
    ("an empty list", "[{{^list}}shown{{/list}}]", {"list": []}, "[shown]"),
    ("an empty string", "[{{^s}}shown{{/s}}]", {"s": ""}, "[shown]"),
    ("zero", "[{{^n}}shown{{/n}}]", {"n": 0}, "[shown]"),
    ("nested", "| A {{^b}}B {{^b}}C{{/b}} D{{/b}} E |", {"b": False}, "| A B C D E |"),
    ("a dotted name", "[{{^a.b}}shown{{/a.b}}]", {"a": {"b": False}}, "[shown]"),
    ("a dotted name with a missing link", "[{{^a.b.c}}shown{{/a.b.c}}]", {"a": {}}, "[shown]"),
    ("white space around", " | {{^b}}\t|\t{{/b}} | \n", {}, " | \t|\t | \n"),
    ("white space within", " | {{^b}} {{! note }}\n {{/b}} | \n", {}, " |  \n  | \n"),
    ("a line of its own", "| This\n  {{^b}}\n|\n  {{/b}}\n| Line\n", {}, "| This\n|\n| Line\n"),
    ("a line of its own with a carriage return", "|\r\n{{^b}}\r\n{{/b}}\r\n|", {}, "|\r\n|"),
    ("a line of its own at the beginning", "  {{^b}}\n^{{/b}}\n/", {}, "^\n/"),
    ("a line of its own at the end", "^{{^b}}\n/\n  {{/b}}", {}, "^\n/\n"),
    ("white space inside a tag", "|{{^ b }}={{/ b }}|", {}, "|=|"),
]

COMMENTS: list[Case] = [
    ("inline", "12345{{! Comment! }}67890", {}, "1234567890"),
    ("of several lines", "12345{{!\n  one\n  two\n}}67890\n", {}, "1234567890\n"),
    ("a line of its own", "Begin.\n{{! note }}\nEnd.\n", {}, "Begin.\nEnd.\n"),
    ("an indented line of its own", "Begin.\n  {{! note }}\nEnd.\n", {}, "Begin.\nEnd.\n"),
    ("a line of its own with a carriage return", "|\r\n{{! note }}\r\n|", {}, "|\r\n|"),
    ("a line of its own at the beginning", "  {{! note }}\n!", {}, "!"),
    ("a line of its own at the end", "!\n  {{! note }}", {}, "!\n"),
    ("several lines of its own", "Begin.\n  {{!\n    note\n  }}\nEnd.\n", {}, "Begin.\nEnd.\n"),
    ("after text", "  12 {{! 34 }}\n", {}, "  12 \n"),
    ("between text", "12345 {{! note }} 67890", {}, "12345  67890"),
    ("what looks like a tag", "[{{! {{x }}]", {"x": "no"}, "[]"),
]

DELIMITERS: list[Case] = [
    ("another pair", "{{=<% %>=}}(<%text%>)", {"text": "Hey!"}, "(Hey!)"),
    ("characters with a meaning elsewhere", "({{=[ ]=}}[text])", {"text": "It worked!"}, "(It worked!)"),
    (
        "they hold from there on",
        (
            "[\n{{#section}}\n  {{data}}\n  |data|\n{{/section}}\n\n{{= | | =}}\n|#section|\n  {{data}}\n  |data|\n"
            "|/section|\n]\n"
        ),
        {"section": True, "data": "text"},
        "[\n  text\n  |data|\n\n  {{data}}\n  text\n]\n",
    ),
    (
        "in inverted sections too",
        "{{= | | =}}|^section| {{data}} |data| |/section|",
        {"section": False, "data": "text"},
        " {{data}} text ",
    ),
    ("back again", "{{=<% %>=}}<%a%><%={{ }}=%>{{a}}<%a%>", {"a": 1}, "11<%a%>"),
    ("raw with a brace", "{{=<% %>=}}<%{a}%><%&a%><%a%>", {"a": "<"}, "<<&lt;"),
    ("white space around", "| {{=@ @=}} |", {}, "|  |"),
    ("after text", " | {{=@ @=}}\n", {}, " | \n"),
    ("a line of its own", "Begin.\n  {{=@ @=}}\nEnd.\n", {}, "Begin.\nEnd.\n"),
    ("a line of its own with a carriage return", "|\r\n{{= @ @ =}}\r\n|", {}, "|\r\n|"),
    ("a line of its own at the beginning", "  {{=@ @=}}\n=", {}, "="),
    ("a line of its own at the end", "=\n  {{=@ @=}}", {}, "=\n"),
    ("white space inside", "|{{= @   @ =}}|", {}, "||"),
]

PARTIALS: list[Case] = [
    ("there are none", "[{{>x}}]", {"x": "no"}, "[]"),
    ("a line of its own", "a\n  {{>x}}\nb", {}, "a\nb"),
]

KINDS = {
    "interpolation": INTERPOLATION,
    "sections": SECTIONS,
    "inverted sections": INVERTED,
    "comments": COMMENTS,
    "delimiters": DELIMITERS,
    "partials": PARTIALS,
}


@pytest.mark.parametrize(
    ("template", "values", "expected"),
    [
        pytest.param(template, values, expected, id=f"{kind}: {name}")
        for kind, cases in KINDS.items()
        for name, template, values, expected in cases
    ],
)
def test_a_template_renders_as_mustache_says(template: str, values: dict[str, Any], expected: str) -> None:
    assert render(template, values) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        ("", ""),
        (9_007_199_254_740_993, "9007199254740993"),
        (1.0, "1"),
        (-0.0, "0"),
        (100.0, "100"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (1.5e-7, "1.5e-7"),
        (1e20, "100000000000000000000"),
        (123456789012345680000.0, "123456789012345680000"),
        (1e21, "1e+21"),
        (-2.5e300, "-2.5e+300"),
        ([], ""),
        ([1, "a", None, True], "1,a,,true"),
        ([[1, [2, 3]], []], "1,2,3,"),
        ({}, "[object Object]"),
        ([{"a": 1}], "[object Object]"),
    ],
)
def test_a_value_becomes_the_text_that_javascript_makes_of_it(value: Any, text: str) -> None:
    assert render("{{{x}}}", {"x": value}) == text


@pytest.mark.parametrize("space", ["\u00a0", "\u1680", "\u2009", "\u2028", "\u3000", "\ufeff", "\v", "\f"])
def test_what_javascript_takes_for_white_space_is_white_space(space: str) -> None:
    assert render(f"a\n{space}{{{{#b{space}}}}}{space}\nb\n{{{{/b}}}}", {"b": True}) == "a\nb\n"


@pytest.mark.parametrize("character", ["\x1c", "\x1f", "\x85", "\u200b"])
def test_what_only_others_take_for_white_space_is_text(character: str) -> None:
    assert render(f"{character}{{{{#b}}}}\n{{{{/b}}}}", {"b": True}) == f"{character}\n"
