"""The samples of the documentation's page, run against a service."""

import asyncio
from typing import Any

import pytest

from crafter.agents.documents import Agent
from tests.docs_samples import ROOT, Sample, samples
from tests.fakes.provider import FakeProvider

PAGE = ROOT / "docs" / "openai.md"


@pytest.mark.parametrize("sample", [s for s in samples(PAGE) if s.language == "python"], ids=str)
async def test_the_samples_do_what_they_say(
    sample: Sample,
    url: str,
    platform_key: str,
    agent: Agent,
    provider: FakeProvider,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CRAFTER_OPENAI", url)
    monkeypatch.setenv("CRAFTER_KEY", platform_key)

    names: dict[str, Any] = {}

    await asyncio.to_thread(exec, sample.text, names)
    names["client"].close()

    said = capsys.readouterr().out
    assert "agent:Helper crafter" in said
    assert said.count("You said: Hello!") == 2
    assert "You said: And what can you do?" in said
