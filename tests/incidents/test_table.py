"""The table of incidents names tests that exist, and gives no reason that has become untrue."""

import ast
from collections import Counter
from pathlib import Path

import pytest

from tests.incidents.table import ELSEWHERE, UPSTREAM, Lesson
from tests.test_access import NOT_BUILT, ROUTES

TESTS = Path(__file__).parents[1]
LESSONS = [*ELSEWHERE, *UPSTREAM]


def names_of_tests() -> Counter[str]:
    """How often each name of a test occurs: one that occurs twice names neither."""
    return Counter(
        node.name
        for path in TESTS.rglob("test_*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    )


def test_every_test_that_the_table_names_is_there_once() -> None:
    occurs = names_of_tests()

    assert [name for lesson in LESSONS for name in lesson.tests if occurs[name] != 1] == []


def test_every_incident_has_a_test_or_a_reason() -> None:
    assert [
        lesson.source for lesson in LESSONS if not lesson.tests and not (lesson.reason and lesson.until)
    ] == []
    assert len({lesson.source for lesson in ELSEWHERE}) == len(ELSEWHERE)


def test_every_test_of_an_incident_is_in_the_table() -> None:
    named = {name for lesson in LESSONS for name in lesson.tests}
    here = {
        node.name
        for path in Path(__file__).parent.glob("test_*.py")
        if path.name != Path(__file__).name
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }

    assert here <= named


@pytest.mark.parametrize("lesson", [one for one in LESSONS if one.until], ids=lambda lesson: lesson.source)
def test_what_there_is_not_yet_has_no_route(lesson: Lesson) -> None:
    works = {route.path for _, route in ROUTES if route.status_code != NOT_BUILT}

    assert [path for path in works for word in lesson.until if word in path] == []
