"""The program of the read-me runs as it is printed there, with the published SDK."""

import asyncio
import os
import subprocess
from asyncio.subprocess import PIPE
from pathlib import Path

from tests.docs_samples import ROOT, samples
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Reply
from tests.sdk.conftest import Program


async def test_the_program_of_the_readme_talks_to_an_agent(
    program: Program, provider: FakeProvider, tmp_path: Path
) -> None:
    [source] = [s.text for s in samples(ROOT / "README.md") if s.language == "javascript"]
    (tmp_path / "hello.mjs").write_text(source)
    package = tmp_path / "node_modules" / "@llm-crafter" / "sdk"
    package.parent.mkdir(parents=True)
    package.symlink_to(program.sdk.module.parent.parent)
    provider.script(Reply("I am a helper."), Reply("I can talk."))

    node = await asyncio.create_subprocess_exec(
        "node",
        "hello.mjs",
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "CRAFTER_KEY": program.key,
            "CRAFTER_API": f"{program.service.url}/api/v1",
            "CRAFTER_AGENT": program.tenant.agent,
        },
        stdin=subprocess.DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await node.communicate()

    assert node.returncode == 0, err.decode()
    assert out.decode() == "I am a helper.\nI can talk.\n18 questions are left.\n"
