"""Where a command or a server finds its database: the one that is configured, or an embedded one of its own."""

import asyncio
import os
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import SecretStr

from crafter.core.config import Settings
from crafter.core.database import Database
from crafter.core.embedded import EmbeddedMongo
from crafter.core.embedded_secrets import load_or_create_secrets
from crafter.documents import ALL_DOCUMENTS

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Deployment:
    """Complete settings, and where the data is."""

    settings: Settings
    embedded_in: Path | None

    @property
    def uri(self) -> str:
        """The address of the database, with its credentials."""
        assert self.settings.mongodb_uri is not None
        return self.settings.mongodb_uri.get_secret_value()

    async def connect(self) -> Database:
        """A connection to the database. Raises ConfigurationError."""
        return await Database.connect(self.uri, self.settings, ALL_DOCUMENTS)

    def export(self) -> None:
        """Hand the database and the secrets to the worker processes that are started next."""
        settings = self.settings
        secrets = {"JWT_SECRET": settings.jwt_secret, "ENCRYPTION_KEY": settings.encryption_key}
        os.environ["MONGODB_URI"] = self.uri
        os.environ.update({name: value.get_secret_value() for name, value in secrets.items() if value})


@contextmanager
def open_deployment(settings: Settings) -> Iterator[Deployment]:
    """The configured database, or an embedded one that runs as long as the context. Raises ConfigurationError."""
    if not settings.embedded:
        yield Deployment(settings, None)
        return
    jwt_secret, encryption_key = load_or_create_secrets(settings.data_dir)
    with _BackgroundLoop() as background:
        mongo = background.run(EmbeddedMongo.start(settings.data_dir))
        try:
            yield Deployment(
                settings.model_copy(
                    update={
                        "mongodb_uri": SecretStr(mongo.uri),
                        "jwt_secret": settings.jwt_secret or SecretStr(jwt_secret),
                        "encryption_key": settings.encryption_key or SecretStr(encryption_key),
                    }
                ),
                settings.data_dir,
            )
        finally:
            background.run(mongo.stop())


class _BackgroundLoop:
    """An event loop in a thread of its own: it watches the embedded database while the main thread serves."""

    def __enter__(self) -> "_BackgroundLoop":
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="embedded database", daemon=True)
        self._thread.start()
        return self

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def __exit__(self, *_: object) -> None:
        self.run(_end_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _end_tasks() -> None:
    """Cancel what runs on this loop, such as a start that a signal interrupts, and wait until it has cleaned up."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
