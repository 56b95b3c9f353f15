"""What a MongoDB server has to be before we trust it with data, and the sentence for one that is not."""

from collections.abc import Callable
from typing import Any

import structlog
from pymongo import AsyncMongoClient, ReadPreference, WriteConcern
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.server_type import SERVER_TYPE
from pymongo.topology_description import TOPOLOGY_TYPE

from crafter.core.config import ConfigurationError, Settings

Client = AsyncMongoClient[dict[str, Any]]

_OLDEST = (6, 0)

# CVE-2025-14847: memory of the server is read without a login, through zlib compression. The first release of
# each series that has the fix; other series before the newest have none.
_FIXED_IN = {(6, 0): 27, (7, 0): 28, (8, 0): 17, (8, 2): 3}

_LOGIN_CODES = (13, 18, 8000)
_REASONS = (
    ("Errno 111", "connection refused"),
    ("Errno 61", "connection refused"),
    ("Connect call failed", "no connection"),
    ("Name or service not known", "host name not found"),
    ("nodename nor servname", "host name not found"),
    ("name resolution", "host name not found"),
    ("No address associated", "host name not found"),
    ("DNS", "host name not found"),
    ("SSL", "TLS handshake failed"),
    ("timed out", "no answer"),
)
_UNREACHABLE = "no usable MongoDB answered at {hosts} within {seconds:g} s ({reason})."
_REFUSED = "the MongoDB at {hosts} refuses this user, or the password."
_OTHER_SET = "the MongoDB at {hosts} is not a member of the replica set that replicaSet= names."
_NOT_INITIATED = "the replica set at {hosts} is not initiated: run rs.initiate() there once."
_NO_PRIMARY = "the replica set at {hosts} has no primary at the moment."
_WEAKENED = "it weakens the guarantees of reads and writes: remove its w…, journal, read… and retry… options."
_STANDALONE = (
    "the MongoDB at {hosts} is a standalone server, without transactions. Start it with --replSet rs0 and "
    "run rs.initiate() once (one member is enough), or run `docker compose up -d`."
)
_DIRECT = "remove directConnection=true, with which no other member can take over."
_TOO_OLD = "the MongoDB at {hosts} is version {version}; the oldest that works is 6.0."
_VULNERABLE = (
    "the MongoDB {version} at {hosts} is open to CVE-2025-14847: use {fixed} or later, or start it with "
    "--networkMessageCompressors snappy,zstd."
)
_OPEN = "the MongoDB at {hosts} lets anybody in: start it with authorization."

log = structlog.get_logger("crafter.database")


async def check_server(
    client: Client, anonymous: Callable[[], Client], hosts: str, settings: Settings
) -> str:
    """Ask the server what it is; returns its version.

    ``anonymous`` makes a client of the same servers that does not log in. Raises ConfigurationError with all
    reasons to refuse the server, and PyMongoError.
    """
    hello = await client.admin.command("hello", compression=["zlib"])
    build = await client.admin.command("buildInfo")
    major, minor, patch, *_ = build["versionArray"]
    problems = [
        *_topology_problems(client, hello, settings),
        *_version_problems((major, minor, patch), "zlib" in hello.get("compression", []), hosts, settings),
    ]
    if settings.production and await _is_open(anonymous()):
        problems.append(_OPEN)
    if problems:
        version = build["version"]
        fixed = ", ".join(f"{first}.{second}.{third}" for (first, second), third in _FIXED_IN.items())
        raise refusal(*(problem.format(hosts=hosts, version=version, fixed=fixed) for problem in problems))
    await _note_default_write_concern(client, hosts)
    return str(build["version"])


def check_options(client: Client) -> None:
    """Make sure that the connection string has not weakened what we ask of every operation.

    Our options override those of the string; what it can add to them is refused. Raises ConfigurationError.
    """
    kept = (
        client.write_concern == WriteConcern("majority", j=True)
        and client.read_concern.level == "majority"
        and client.read_preference == ReadPreference.PRIMARY
        and client.options.retry_writes
        and client.options.retry_reads
    )
    if not kept:
        raise refusal(_WEAKENED)


def explain_failure(error: BaseException, client: Client, hosts: str, seconds: float) -> ConfigurationError:
    """What a first contact that failed means; the driver's own text is left out, it may be anything."""
    if isinstance(error, OperationFailure) and error.code in _LOGIN_CODES:
        return refusal(_REFUSED.format(hosts=hosts))
    servers = list(client.topology_description.server_descriptions().values())
    if not servers:  # the driver drops those of another set
        return refusal(_OTHER_SET.format(hosts=hosts))
    kinds = {server.server_type for server in servers}
    if SERVER_TYPE.RSGhost in kinds:
        return refusal(_NOT_INITIATED.format(hosts=hosts))
    if kinds & {SERVER_TYPE.RSSecondary, SERVER_TYPE.RSOther}:
        return refusal(_NO_PRIMARY.format(hosts=hosts))
    texts = [str(server.error) for server in servers if server.error] + [str(error)]
    reason = next((words for sign, words in _REASONS if any(sign in text for text in texts)), "no answer")
    return refusal(_UNREACHABLE.format(hosts=hosts, seconds=seconds, reason=reason))


def refusal(*problems: str) -> ConfigurationError:
    """The error for a connection string that leads to no usable server."""
    return ConfigurationError([f"MONGODB_URI: {problem}" for problem in problems])


def _topology_problems(client: Client, hello: dict[str, Any], settings: Settings) -> list[str]:
    if hello.get("msg") == "isdbgrid":
        return []
    if "setName" not in hello:
        return [_STANDALONE]
    if client.topology_description.topology_type == TOPOLOGY_TYPE.Single and settings.production:
        return [_DIRECT]
    return []


def _version_problems(
    version: tuple[int, int, int], offers_zlib: bool, hosts: str, settings: Settings
) -> list[str]:
    """A server without the fix that does not offer zlib cannot be attacked this way."""
    series, patch = version[:2], version[2]
    if series < _OLDEST:
        return [_TOO_OLD]
    if series > max(_FIXED_IN) or patch >= _FIXED_IN.get(series, patch + 1):
        return []
    if offers_zlib and settings.production:
        return [_VULNERABLE]
    tell = log.warning if offers_zlib else log.debug
    tell("database_version_vulnerable", hosts=hosts, version=version, cve="CVE-2025-14847", zlib=offers_zlib)
    return []


async def _is_open(anonymous: Client) -> bool:
    """Whether the server obeys somebody who has not logged in."""
    async with anonymous:
        try:
            await anonymous.admin.command("listDatabases", nameOnly=True)
        except PyMongoError:
            return False
    return True


async def _note_default_write_concern(client: Client, hosts: str) -> None:
    """We override it, but other programs on this database get it: a weak one is worth a line."""
    try:
        default = (await client.admin.command("getDefaultRWConcern")).get("defaultWriteConcern", {})
    except OperationFailure:  # this user may not ask
        return
    if default.get("w", "majority") != "majority":
        log.warning("database_default_write_concern_weak", hosts=hosts, w=default["w"])
