"""Versions of prompts: every content makes one, none is lost, and none changes."""

import asyncio
from typing import Any

import httpx2
import pytest

from crafter.projects.documents import Project
from crafter.prompts.documents import Prompt, PromptVersion
from crafter.prompts.settings import PromptSettings, PromptVariable
from tests.factories import make_prompt
from tests.prompts.addresses import prompt_url


@pytest.fixture
async def prompt(project: Project) -> Prompt:
    made: Prompt = await make_prompt(project, content="one", system_prompt="s1")
    return made


async def versions_of(client: httpx2.AsyncClient, prompt: Prompt) -> list[dict[str, Any]]:
    response = await client.get(prompt_url(prompt, "/versions?limit=200"))
    assert response.status_code == 200
    data: list[dict[str, Any]] = response.json()["data"]
    return data


async def version_of(client: httpx2.AsyncClient, prompt: Prompt, number: int) -> dict[str, Any]:
    response = await client.get(prompt_url(prompt, f"/versions/{number}"))
    assert response.status_code == 200
    answer: dict[str, Any] = response.json()
    return answer


async def edit(client: httpx2.AsyncClient, prompt: Prompt, **body: Any) -> dict[str, Any]:
    response = await client.put(prompt_url(prompt), json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def test_every_content_that_is_sent_makes_a_version_changed_or_not(
    as_member: httpx2.AsyncClient, prompt: Prompt
) -> None:
    numbers = [
        (await edit(as_member, prompt, **body))["version"]
        for body in ({"content": "two"}, {"content": "two"}, {"system_prompt": "s2"}, {"content": ""})
    ]

    assert numbers == [2, 3, 3, 4]
    assert [version["number"] for version in await versions_of(as_member, prompt)] == [4, 3, 2, 1]


async def test_an_earlier_version_is_read_as_it_was(as_member: httpx2.AsyncClient, project: Project) -> None:
    prompt = await make_prompt(
        project,
        content="one {{x}}",
        system_prompt="s1",
        llm_settings=PromptSettings(model="gpt-4o"),
        variables=[PromptVariable(name="x", type="string", default_value="d")],
    )
    await edit(
        as_member, prompt, content="two", system_prompt="s2", variables=[], llm_settings={"model": "gpt-5"}
    )

    first, second = await version_of(as_member, prompt, 1), await version_of(as_member, prompt, 2)

    made = first.pop("createdAt")
    assert first == {
        "prompt": prompt.id,
        "number": 1,
        "current": False,
        "labels": [],
        "content": "one {{x}}",
        "system_prompt": "s1",
        "llm_settings": {"model": "gpt-4o"},
        "variables": [{"name": "x", "type": "string", "default_value": "d"}],
    }
    assert made <= second.pop("createdAt")
    assert second == {
        "prompt": prompt.id,
        "number": 2,
        "labels": [],
        "current": True,
        "content": "two",
        "system_prompt": "s2",
        "llm_settings": {"model": "gpt-5"},
        "variables": [],
    }


async def test_a_version_never_changes(as_member: httpx2.AsyncClient, prompt: Prompt) -> None:
    await edit(as_member, prompt, content="two")
    before = await version_of(as_member, prompt, 1)

    await edit(as_member, prompt, content="three", system_prompt="s3", tags=["x"])
    await edit(as_member, prompt, llm_settings={"model": "gpt-4o"})

    assert await version_of(as_member, prompt, 1) == before


async def test_versions_are_paged_the_newest_first_without_their_texts(
    as_viewer: httpx2.AsyncClient, as_member: httpx2.AsyncClient, prompt: Prompt
) -> None:
    for number in range(2, 6):
        await edit(as_member, prompt, content=f"text {number}")

    pages = []
    query = "?limit=2"
    while query:
        body = (await as_viewer.get(prompt_url(prompt, f"/versions{query}"))).json()
        pages.append([(version["number"], version["current"]) for version in body["data"]])
        following = body["page"]["next"]
        query = f"?limit=2&cursor={following}" if following else ""

    assert pages == [[(5, True), (4, False)], [(3, False), (2, False)], [(1, False)]]
    [first, *_] = await versions_of(as_viewer, prompt)
    assert set(first) == {"prompt", "number", "current", "labels", "createdAt"}


async def test_a_cursor_of_one_prompt_does_not_open_another(
    as_member: httpx2.AsyncClient, project: Project, prompt: Prompt
) -> None:
    other = await make_prompt(project, name="other")
    await edit(as_member, prompt, content="two")
    cursor = (await as_member.get(prompt_url(prompt, "/versions?limit=1"))).json()["page"]["next"]

    response = await as_member.get(prompt_url(other, f"/versions?cursor={cursor}"))

    assert response.status_code == 400


@pytest.mark.parametrize(("number", "status"), [("3", 404), ("99", 404), ("0", 400), ("-1", 400), ("x", 400)])
async def test_a_version_that_is_not_there(
    as_member: httpx2.AsyncClient, prompt: Prompt, number: str, status: int
) -> None:
    await edit(as_member, prompt, content="two")

    response = await as_member.get(prompt_url(prompt, f"/versions/{number}"))

    assert response.status_code == status
    if status == 404:
        assert response.json()["code"] == "PROMPT_VERSION_NOT_FOUND"


async def test_what_was_kept_for_a_change_that_never_came_is_not_shown_twice(
    as_member: httpx2.AsyncClient, prompt: Prompt
) -> None:
    await PromptVersion.within(prompt.scope).insert(PromptVersion.of(prompt).to_stored())

    assert [version["number"] for version in await versions_of(as_member, prompt)] == [1]
    assert (await edit(as_member, prompt, content="two"))["version"] == 2
    assert [version["number"] for version in await versions_of(as_member, prompt)] == [2, 1]


async def test_the_content_that_the_node_server_stored_last_is_kept(
    as_member: httpx2.AsyncClient, prompt: Prompt
) -> None:
    theirs = {"$set": {"version": 7, "content": "theirs"}, "$unset": {"version_created_at": ""}}
    await Prompt.within(prompt.scope).update_one({"_id": prompt.id}, theirs)

    assert (await edit(as_member, prompt, content="ours"))["version"] == 8

    assert (await version_of(as_member, prompt, 7))["content"] == "theirs"
    assert [version["number"] for version in await versions_of(as_member, prompt)] == [8, 7]


async def test_contents_that_come_at_once_make_one_version_each_without_a_gap(
    as_member: httpx2.AsyncClient, prompt: Prompt
) -> None:
    texts = [f"text {number}" for number in range(30)]

    answers = await asyncio.gather(*(edit(as_member, prompt, content=text) for text in texts))

    assert sorted(answer["version"] for answer in answers) == list(range(2, 32))
    numbers = [version["number"] for version in await versions_of(as_member, prompt)]
    assert numbers == list(range(31, 0, -1))
    contents = {(await version_of(as_member, prompt, number))["content"] for number in numbers}
    assert contents == {"one", *texts}
    for answer in answers:
        assert (await version_of(as_member, prompt, answer["version"]))["content"] == answer["content"]


async def test_of_two_who_edit_the_same_revision_one_is_refused(
    as_member: httpx2.AsyncClient, prompt: Prompt
) -> None:
    responses = await asyncio.gather(
        *(
            as_member.put(prompt_url(prompt), json={"content": f"t{n}"}, headers={"If-Match": '"0"'})
            for n in range(10)
        )
    )

    assert sorted(response.status_code for response in responses) == [200] + [412] * 9
    assert [version["number"] for version in await versions_of(as_member, prompt)] == [2, 1]
