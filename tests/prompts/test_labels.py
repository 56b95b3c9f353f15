"""Labels of versions, comparing them, filling them in, and running them."""

import asyncio
from typing import Any

import httpx2
import pytest

from crafter.api_keys.documents import ApiKey
from crafter.core.runtime import Runtime
from crafter.projects.documents import Project
from crafter.prompts.documents import MAX_LABELS, Prompt
from crafter.prompts.settings import PromptVariable
from tests.factories import make_prompt
from tests.fakes.provider import FakeProvider
from tests.prompts.addresses import prompt_url, prompts_url


@pytest.fixture
async def prompt(project: Project, key: ApiKey, as_member: httpx2.AsyncClient) -> Prompt:
    """A prompt in its third version."""
    made: Prompt = await make_prompt(project, content="Say one to {{name}}.\nBe kind.", key=key)
    for content in ("Say two to {{name}}.\nBe kind.", "Say three to {{name}}.\nBe kind."):
        assert (await as_member.put(prompt_url(made), json={"content": content})).status_code == 200
    return made


async def label(client: httpx2.AsyncClient, prompt: Prompt, name: str, version: int) -> httpx2.Response:
    return await client.put(prompt_url(prompt, f"/labels/{name}"), json={"version": version})


async def by_label(client: httpx2.AsyncClient, prompt: Prompt, name: str) -> dict[str, Any]:
    url = prompts_url_of(prompt, f"/by-name/{prompt.name}")
    answer: dict[str, Any] = (await client.get(url, params={"label": name})).json()
    return answer


def prompts_url_of(prompt: Prompt, tail: str) -> str:
    return f"/organizations/{prompt.organization}/projects/{prompt.project}/prompts{tail}"


async def test_a_label_names_one_version_and_moves_at_once(
    as_member: httpx2.AsyncClient, prompt: Prompt
) -> None:
    assert (await label(as_member, prompt, "production", 1)).json()["labels"] == {"production": 1}
    assert (await by_label(as_member, prompt, "production"))["content"].startswith("Say one")
    await label(as_member, prompt, "production", 2)
    found = await by_label(as_member, prompt, "production")
    assert (found["version"], found["content"][:7]) == (2, "Say two")
    versions = (await as_member.get(prompt_url(prompt, "/versions"))).json()["data"]
    assert [(row["number"], row["labels"]) for row in versions] == [(3, []), (2, ["production"]), (1, [])]
    removed = await as_member.delete(prompt_url(prompt, "/labels/production"))
    assert removed.json()["labels"] == {}
    assert (await by_label(as_member, prompt, "production"))["code"] == "PROMPT_LABEL_NOT_FOUND"


async def test_the_name_is_found_in_any_case_and_without_a_label_as_it_is(
    as_member: httpx2.AsyncClient, prompt: Prompt, project: Project
) -> None:
    found = await as_member.get(prompts_url(project, f"/by-name/{prompt.name.upper()}"))
    assert found.json()["content"].startswith("Say three")


@pytest.mark.parametrize(
    ("name", "version", "status"),
    [("ok", 9, 404), ("ok", 0, 400), ("Not-OK", 1, 400), ("a.b", 1, 400), ("$x", 1, 400), ("x" * 51, 1, 400)],
)
async def test_what_cannot_be_labelled_so_is_refused(
    as_member: httpx2.AsyncClient, prompt: Prompt, name: str, version: int, status: int
) -> None:
    assert (await label(as_member, prompt, name, version)).status_code == status


async def test_there_is_an_end_of_labels_which_racers_do_not_pass(
    as_member: httpx2.AsyncClient, prompt: Prompt
) -> None:
    answers = await asyncio.gather(*(label(as_member, prompt, f"l{n}", 1) for n in range(MAX_LABELS + 5)))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(200), statuses.count(400)) == (MAX_LABELS, 5)
    assert {answer.json()["code"] for answer in answers if answer.status_code == 400} == {"TOO_MANY_LABELS"}


async def test_viewers_read_labels_and_do_not_set_them(as_viewer: httpx2.AsyncClient, prompt: Prompt) -> None:
    assert (await label(as_viewer, prompt, "production", 1)).status_code == 403
    assert (await as_viewer.get(prompt_url(prompt))).json()["labels"] == {}


async def test_two_versions_are_compared_line_by_line(
    as_viewer: httpx2.AsyncClient, as_member: httpx2.AsyncClient, prompt: Prompt
) -> None:
    variables = [{"name": "name", "type": "string"}]
    body = {"content": "Say four.\nBe kind.", "system_prompt": "S", "variables": variables}
    await as_member.put(prompt_url(prompt), json=body)
    difference = (await as_viewer.get(prompt_url(prompt, "/versions/4/diff"), params={"against": 1})).json()
    assert difference["changed"] == ["content", "system_prompt", "variables"]
    assert difference["content"] == (
        "--- version 1\n+++ version 4\n@@ -1,2 +1,2 @@\n-Say one to {{name}}.\n+Say four.\n Be kind."
    )
    assert difference["system_prompt"] == "--- version 1\n+++ version 4\n@@ -0,0 +1 @@\n+S"
    latest = (await as_viewer.get(prompt_url(prompt, "/versions/4/diff"))).json()
    assert (latest["before"], latest["after"]) == (3, 4)
    same = (await as_viewer.get(prompt_url(prompt, "/versions/2/diff"), params={"against": 2})).json()
    assert (same["changed"], "content" in same) == ([], False)


async def test_texts_that_would_take_too_long_to_compare_are_not(
    as_member: httpx2.AsyncClient, prompt: Prompt
) -> None:
    await as_member.put(prompt_url(prompt), json={"content": "a\n" * 2_001})
    answer = await as_member.get(prompt_url(prompt, "/versions/4/diff"), params={"against": 1})
    assert (answer.status_code, answer.json()["code"]) == (400, "TOO_LONG_TO_COMPARE")


async def test_an_earlier_version_is_still_filled_in_with_its_own_variables(
    as_viewer: httpx2.AsyncClient, as_member: httpx2.AsyncClient, project: Project
) -> None:
    variables = [PromptVariable(name="name", type="string", default_value="Ada")]
    prompt = await make_prompt(project, content="Hi {{name}}", system_prompt="s", variables=variables)
    await as_member.put(prompt_url(prompt), json={"content": "Bye", "variables": []})
    render = prompt_url(prompt, "/versions/1/render")
    assert (await as_viewer.post(render, json={})).json() == {
        "number": 1,
        "content": "Hi Ada",
        "system_prompt": "s",
    }
    wrong = await as_viewer.post(render, json={"variables": {"name": 7}})
    assert wrong.json()["errors"][0]["path"] == "variables.name"


@pytest.mark.parametrize(
    ("asked", "said"),
    [({"label": "production"}, "Say one"), ({"version": "2"}, "Say two"), ({}, "Say three")],
)
async def test_a_version_is_run_by_its_label_or_its_number(
    as_member: httpx2.AsyncClient, prompt: Prompt, provider: FakeProvider, asked: dict[str, str], said: str
) -> None:
    await label(as_member, prompt, "production", 1)
    place = f"/proxy/organizations/{prompt.organization}/projects/{prompt.project}"
    answer = await as_member.post(
        f"{place}/execute/{prompt.name}", params=asked, json={"variables": {"name": "Ada"}}
    )
    assert answer.status_code == 200, answer.text
    assert provider.requests[-1].last_words.startswith(said)
    history = (await as_member.get(f"{place}/prompts/{prompt.id}/executions")).json()["executions"]
    assert history[0]["prompt_version"] == {"Say one": 1, "Say two": 2, "Say three": 3}[said]


async def test_a_label_that_nobody_has_set_runs_nothing(
    as_member: httpx2.AsyncClient, prompt: Prompt, provider: FakeProvider, runtime: Runtime
) -> None:
    place = f"/proxy/organizations/{prompt.organization}/projects/{prompt.project}"
    answer = await as_member.post(f"{place}/execute/{prompt.name}", params={"label": "staging"}, json={})
    assert (answer.status_code, answer.json()["code"]) == (404, "PROMPT_LABEL_NOT_FOUND")
    assert not provider.requests
