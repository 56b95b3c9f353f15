"""The published SDK: fetched with npm into a temporary folder, and run with Node."""

import asyncio
import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
from asyncio.subprocess import PIPE
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAME = "@llm-crafter/sdk"
VERSION = "0.1.4-alpha"
INTEGRITY = "awJ44DtrhP3Yw74Sezw/1bOUpZ8i7Yf88IZEXhA2sdaTto7/BKuId14kkRwDmxN46Mai9SrVjUl9/Qn2khLROA=="
"""The SHA-512 of the package, as the registry publishes it: another one is not the SDK that we promise to serve."""

RUNNER = Path(__file__).with_name("run.mjs")
FETCH_SECONDS = 60
RUN_SECONDS = 100


class SdkMissing(Exception):
    """The SDK cannot be run here, and why."""


@dataclass(frozen=True)
class Call:
    """What became of a call: its value or its error, and what a stream said on the way."""

    value: Any = None
    error: dict[str, Any] | None = None
    chunks: tuple[str, ...] = ()
    completed: tuple[dict[str, Any], ...] = ()

    @property
    def complete(self) -> dict[str, Any]:
        """The one frame that ended a stream."""
        [frame] = self.completed
        return frame


@dataclass(frozen=True)
class Sdk:
    """The unpacked package."""

    module: Path

    async def run(self, base_url: str, api_key: str, *calls: tuple[Any, ...], **options: Any) -> list[Call]:
        """Make a client and call its methods one after another: ``("createAgentSession", agent_id)``.

        An argument ``{"$": "0.data.session_token"}`` stands for a part of an earlier call's value.
        """
        job = {
            "module": self.module.as_uri(),
            "baseUrl": base_url,
            "apiKey": api_key,
            "options": options,
            "calls": [{"method": method, "args": arguments} for method, *arguments in calls],
        }
        process = await asyncio.create_subprocess_exec("node", RUNNER, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        async with asyncio.timeout(RUN_SECONDS):
            out, err = await process.communicate(json.dumps(job).encode())
        assert process.returncode == 0, err.decode()
        return [_call(raw) for raw in json.loads(out)]

    async def methods(self) -> set[str]:
        """The names of everything that a client can do."""
        [listed] = await self.run("http://127.0.0.1:9", "x", ("$methods",))
        return set(listed.value)


def _call(raw: dict[str, Any]) -> Call:
    return Call(raw.get("value"), raw.get("error"), tuple(raw["chunks"]), tuple(raw["completed"]))


def fetch(folder: Path) -> Sdk:
    """Fetch and unpack the SDK. Raises SdkMissing where there is no Node, no npm or no registry."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise SdkMissing(f"{program} is not on the PATH")
    command = ["npm", "pack", f"{NAME}@{VERSION}", "--pack-destination", str(folder), "--silent"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=FETCH_SECONDS)
    except subprocess.TimeoutExpired:
        raise SdkMissing(f"the npm registry did not answer within {FETCH_SECONDS} seconds") from None
    archives = list(folder.glob("*.tgz"))
    if done.returncode != 0 or not archives:
        raise SdkMissing(f"npm could not fetch {NAME}: exit code {done.returncode}")
    return _unpack(archives[0], folder)


def _unpack(archive: Path, folder: Path) -> Sdk:
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    assert digest == INTEGRITY, f"{archive.name} is not the package that was reviewed"
    with tarfile.open(archive) as package:
        package.extractall(folder, filter="data")
    return Sdk(folder / "package" / "dist" / "index.js")
