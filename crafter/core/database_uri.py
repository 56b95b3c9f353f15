"""Reading a connection string without ever repeating what it hides."""

import re

from crafter.core.config import ConfigurationError

_CREDENTIAL_OPTIONS = re.compile(r"(?i)(authSource|authMechanism|authMechanismProperties)=[^&;]*[&;]?")

_MALFORMED = (
    "MONGODB_URI cannot be read: it has the form mongodb://user:password@host:27017/name?option=value, with "
    "special characters in user, password and values percent-encoded; files that it names have to exist."
)


def hosts_of(uri: str) -> str:
    """``host:port`` of each seed, or the name of a ``mongodb+srv`` record.

    Raises ConfigurationError for a string with an unescaped ``@``, ``/`` or ``?`` in its password: the driver
    would take a part of that password for the host, and we would show it.
    """
    authority, rest = _split(uri)
    path = rest.partition("?")[0]
    if "@" in path or ("@" in rest and "@" not in authority):
        raise malformed()
    return authority.rpartition("@")[2]


def without_credentials(uri: str) -> str:
    """The same servers, but nobody logs in."""
    authority, rest = _split(uri)
    path, _, options = rest.partition("?")
    scheme = uri.partition("://")[0]
    return f"{scheme}://{authority.rpartition('@')[2]}{path}?{_CREDENTIAL_OPTIONS.sub('', options)}".rstrip(
        "&;?"
    )


def malformed() -> ConfigurationError:
    """What to say about a string that cannot be read. The driver's own words may quote parts of it."""
    return ConfigurationError([_MALFORMED])


def _split(uri: str) -> tuple[str, str]:
    """The part with credentials and hosts, and what follows, from its first ``/`` or ``?``."""
    rest = uri.partition("://")[2]
    end = next((index for index, character in enumerate(rest) if character in "/?"), len(rest))
    return rest[:end], rest[end:]
