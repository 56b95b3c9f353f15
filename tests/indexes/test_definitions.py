"""What is read off the documents."""

from typing import Any

import pytest

from crafter.core.queries import QueryShape
from indexes.definitions import conditions, query_shapes, rules, wanted
from tests.indexes.toys import index, toy


def test_declared_indexes_are_wanted_and_unique_ones_required() -> None:
    people = toy("people", index("email", unique=True), index("name"))
    places = toy("places", index("name", unique=True, sparse=True))

    found = [(each.collection, each.spec.name, each.required) for each in wanted([people, places])]

    assert found == [("people", "email_1", True), ("people", "name_1", False), ("places", "name_1", True)]


def test_two_indexes_of_a_collection_cannot_share_a_name() -> None:
    people = toy("people", index("email", name="x"), index("name", name="x"))

    with pytest.raises(ValueError, match="people declares two indexes with the name x"):
        wanted([people])


def test_queries_are_found_with_their_collections() -> None:
    shape = QueryShape("by name", {"name": "n"})

    [query] = query_shapes([toy("people", queries=[shape])])

    assert (query.collection, query.shape) == ("people", shape)


def test_every_required_index_rule_is_known() -> None:
    texts = {number: rule.text for number, rule in rules([]).items()}

    assert list(texts) == [f"12.{n}" for n in range(51, 68)]
    assert texts["12.51"] == "users {email} unique"
    assert texts["12.55"] == "agents {organization, project}"


def test_a_query_stands_for_the_rules_that_it_names() -> None:
    shape = QueryShape("login", {"email": "e"}, rules=("12.51",))

    found = rules([toy("users", queries=[shape, QueryShape("other", {"_id": 1})])])

    assert [query.shape for query in found["12.51"].queries] == [shape]
    assert found["12.52"].queries == ()


@pytest.mark.parametrize(
    ("where", "fields"),
    [
        ({"a": 1, "b.c": {"$gt": 1}}, {"a", "b.c"}),
        ({"$and": [{"a": 1}, {"$and": [{"b": 1}]}]}, {"a", "b"}),
        ({"members": {"$elemMatch": {"user": "u"}}}, {"members", "members.user"}),
        ({"$or": [{"a": 1}, {"b": 1}]}, set()),
        ({"a": 1, "$expr": {}}, {"a"}),
    ],
)
def test_a_filter_tells_what_every_match_fulfils(where: dict[str, Any], fields: set[str]) -> None:
    assert set(conditions(where)) == fields
