"""Secrets that are only ever compared: platform keys and session tokens, random, and stored as a hash."""

import hashlib
import re
import secrets

_KEY = re.compile(r"[0-9a-f]{64}")


def new_key() -> str:
    """A fresh key: 256 random bits as 64 lower-case hex digits."""
    return secrets.token_hex(32)


def is_key(raw: str) -> bool:
    """Whether it has the form of a key; what has not needs no look into the database."""
    return _KEY.fullmatch(raw) is not None


def hash_key(raw: str) -> str:
    """What is stored of a key, and what it is found by: the SHA-256 of its characters, in lower-case hex.

    Unsalted, as LLM Crafter stores it: 256 random bits cannot be guessed, and the hash must find the row.
    Takes any string, since callers send anything.
    """
    return hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()
