"""The connection to MongoDB: how it is made, checked and closed, transactions, and what its failures mean."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import beanie
import pymongo
import structlog
from pymongo import AsyncMongoClient, WriteConcern
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    ConnectionFailure,
    DocumentTooLarge,
    DuplicateKeyError,
    ExecutionTimeout,
    InvalidOperation,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
)
from pymongo.pool_shared import _PoolClosedError
from pymongo.read_concern import ReadConcern

from crafter.core.config import Settings
from crafter.core.database_checks import Client, check_options, check_server, explain_failure
from crafter.core.database_monitoring import CommandLog, unwatch_pools, watch_pools
from crafter.core.database_uri import hosts_of, malformed, without_credentials
from crafter.core.errors import Conflict, CrafterError, DatabaseUnavailable, TooLarge

FIRST_CONTACT_SECONDS = 8.0
CLOSE_SECONDS = 2.0
DEFAULT_DATABASE = "test"
"""As for every MongoDB client: the database of a connection string that names none."""

T = TypeVar("T")
Session = AsyncClientSession

_SNAPSHOT = ReadConcern("snapshot")
_DURABLE = WriteConcern("majority", j=True)

# The outcome is not known: it may have happened, so the caller repeats it with the same ids.
_UNKNOWN_OUTCOME = (ConnectionFailure, ExecutionTimeout, WriteConcernError, _PoolClosedError)
_PASSING_LABELS = ("TransientTransactionError", "UnknownTransactionCommitResult", "RetryableWriteError")
_TOO_LARGE_CODES = (10334, 17419)
_TOO_LARGE = "What would have to be stored is larger than the database takes."

log = structlog.get_logger("crafter.database")

_open: "list[Database]" = []


def client_options(settings: Settings) -> dict[str, Any]:
    """The options of every client; they override those of the connection string.

    ``timeoutMS`` is the one deadline of an operation, retries included, and has to exceed the time in which a
    replica set replaces its primary.
    """
    return {
        "appname": "crafter",
        "w": "majority",
        "journal": True,
        "readConcernLevel": "majority",
        "readPreference": "primary",
        "retryWrites": True,
        "retryReads": True,
        "timeoutMS": int(settings.database_timeout_seconds * 1000),
        "connectTimeoutMS": 2_000,
        "heartbeatFrequencyMS": 2_000,
        "maxPoolSize": settings.database_pool_size,
        "tz_aware": True,
        "uuidRepresentation": "standard",
        # What another program stored must not keep its neighbours from being read.
        "datetime_conversion": "DATETIME_CLAMP",
        "unicode_decode_error_handler": "replace",
    }


class Database:
    """A checked connection; ``client`` and ``db`` are the driver's own."""

    def __init__(self, client: Client, db: AsyncDatabase[dict[str, Any]], settings: Settings) -> None:
        self.client = client
        self.db = db
        self._timeout_seconds = settings.database_timeout_seconds

    @classmethod
    async def connect(
        cls, uri: str, settings: Settings, models: Sequence[type[beanie.Document]]
    ) -> "Database":
        """Connect, check the server, and bind the documents to the database, which becomes the current one.

        Raises ConfigurationError within FIRST_CONTACT_SECONDS; its sentences name hosts, and no credentials.
        """
        hosts = hosts_of(uri)
        client = _make_client(uri, settings)
        database = cls(client, client.get_default_database(DEFAULT_DATABASE), settings)
        try:
            check_options(client)
            version = await database._make_contact(_anonymous(uri, settings), hosts, settings, models)
        except BaseException:
            await database.close()
            raise
        _open.append(database)
        watch_pools(client)
        log.info("database_connected", hosts=hosts, database=database.db.name, version=version)
        return database

    async def _make_contact(
        self,
        anonymous: Callable[[], Client],
        hosts: str,
        settings: Settings,
        models: Sequence[type[beanie.Document]],
    ) -> str:
        try:
            async with asyncio.timeout(FIRST_CONTACT_SECONDS):
                version = await check_server(self.client, anonymous, hosts, settings)
                await beanie.init_beanie(database=self.db, document_models=list(models), skip_indexes=True)
        except (TimeoutError, PyMongoError) as error:
            raise explain_failure(error, self.client, hosts, FIRST_CONTACT_SECONDS) from None
        return version

    async def close(self) -> None:
        """Close all connections, even if the server is gone. Running operations fail as unavailable."""
        if self in _open:
            _open.remove(self)
            unwatch_pools(self.client)
        with pymongo.timeout(CLOSE_SECONDS):  # the driver says goodbye, for which it would wait half a minute
            await self.client.close()

    async def ping(self, timeout_seconds: float = 1.0) -> bool:
        """Whether a primary that takes writes answers within this time."""
        try:
            with pymongo.timeout(timeout_seconds):
                hello = await self.client.admin.command("hello")
        except PyMongoError:
            return False
        return bool(hello.get("isWritablePrimary"))

    async def in_transaction(self, work: Callable[[Session], Awaitable[T]]) -> T:
        """Do all of ``work`` or nothing of it, on one point in time; answers what ``work`` answers.

        ``work`` may run more than once, passes the session to every operation, and does nothing but database
        operations. The whole has the deadline of one operation.
        """
        with pymongo.timeout(self._timeout_seconds):
            async with self.client.start_session() as session:
                return await session.with_transaction(work, read_concern=_SNAPSHOT, write_concern=_DURABLE)


async def in_transaction(work: Callable[[Session], Awaitable[T]]) -> T:
    """:meth:`Database.in_transaction` on the current database."""
    return await current().in_transaction(work)


def current() -> Database:
    """The database of this process: of those that are open, the one connected last."""
    if not _open:
        raise RuntimeError("no database is connected")
    return _open[-1]


def describe_failure(error: Exception) -> CrafterError | None:
    """What a failure of the driver means to a caller; None for one that is a mistake of ours."""
    if isinstance(error, DuplicateKeyError):
        return Conflict()
    if isinstance(error, DocumentTooLarge):
        return TooLarge(_TOO_LARGE)
    if not isinstance(error, PyMongoError):
        return None
    if isinstance(error, OperationFailure) and error.code in _TOO_LARGE_CODES:
        return TooLarge(_TOO_LARGE)
    passing = error.timeout or any(map(error.has_error_label, _PASSING_LABELS))
    if passing or isinstance(error, _UNKNOWN_OUTCOME) or _is_closed(error):
        return DatabaseUnavailable()
    return None


def _is_closed(error: PyMongoError) -> bool:
    """Whether we closed the connection ourselves, in a shutdown; the driver has no type for that."""
    return isinstance(error, InvalidOperation) and "after close" in str(error)


def _make_client(uri: str, settings: Settings) -> Client:
    listeners = [CommandLog()] if settings.log_level == "debug" else []
    try:
        return AsyncMongoClient(uri, event_listeners=listeners, **client_options(settings))
    except (PyMongoError, ValueError, TypeError, OSError):
        raise malformed() from None


def _anonymous(uri: str, settings: Settings) -> Callable[[], Client]:
    return lambda: AsyncMongoClient(without_credentials(uri), **client_options(settings))
