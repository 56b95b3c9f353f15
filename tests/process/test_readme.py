"""What the read-me tells a newcomer to type does what it says."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from tests.docs_samples import ROOT, samples
from tests.fakes.provider import FakeProvider
from tests.process.service import serving


@pytest.mark.skipif(shutil.which("curl") is None, reason="the samples use curl, and there is none")
async def test_the_tour_of_the_readme_ends_with_an_answer_that_streams_in(
    tmp_path: Path, provider: FakeProvider, on_its_own: dict[str, str]
) -> None:
    tour = [s.commands for s in samples(ROOT / "README.md") if s.language == "bash" and s.runnable]
    async with serving(tmp_path, **on_its_own) as service:
        shell = await asyncio.create_subprocess_exec(
            "bash",
            "-euo",
            "pipefail",
            "-c",
            "\n".join(tour),
            env={"PATH": os.environ["PATH"], "CRAFTER_URL": service.url},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(shell.communicate(), 60)

    assert shell.returncode == 0, err.decode()
    frames = out.decode().split("\n\n")
    assert frames[0] == 'data: {"type":"connected","message":"Stream established"}'
    assert '"type":"complete"' in frames[-2]
    assert len(frames) > 5
    assert provider.requests[-1].last_words == "Hello! What can you do?"
