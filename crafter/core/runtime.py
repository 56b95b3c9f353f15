"""What one process holds while it runs, handed to routes by dependency."""

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from crafter.core.config import Settings
from crafter.core.database import Database
from crafter.core.pagination import CursorSigner
from crafter.core.secrets import Keyring
from crafter.core.tasks import TaskGroup


@dataclass(slots=True)
class Runtime:
    """The settings and the shared helpers of a running process."""

    settings: Settings
    database: Database
    keyring: Keyring
    cursors: CursorSigner
    tasks: TaskGroup = field(default_factory=TaskGroup)


def get_runtime(request: Request) -> Runtime:
    """The runtime of the application that serves this request."""
    runtime = request.app.state.runtime
    assert isinstance(runtime, Runtime)
    return runtime


async def _get_runtime(request: Request) -> Runtime:
    return get_runtime(request)


CurrentRuntime = Annotated[Runtime, Depends(_get_runtime)]
