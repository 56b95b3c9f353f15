"""Secrets that are needed again: encrypted for storage, fingerprinted for comparison, masked for display."""

import base64
import hashlib
import hmac
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.padding import PKCS7

from crafter.core.config import ConfigurationError, Settings
from crafter.core.errors import Conflict

_RAW_KEY = re.compile(r"[0-9a-fA-F]{64}")
_PBKDF2_ROUNDS = 600_000
_PBKDF2_SALT = b"crafter:keyring:1"
# The salt is fixed because ENCRYPTION_KEY alone must open a restored backup, on any machine. What a random
# salt would add, the length of a pass-phrase (32 characters or more) and the number of rounds have to bring.

_PREFIX = "crafter:1:A256GCM"
_ANY_ENVELOPE = re.compile(r"crafter:[0-9]+:[A-Z0-9]+:")
_ENVELOPE = re.compile(_PREFIX + r":([0-9a-f]{8}):([A-Za-z0-9_-]{16}):([A-Za-z0-9_-]{22,})")
_NONCE_BYTES = 12

_LEGACY_PREFIX = "U2FsdGVkX1"
_LEGACY_MAGIC = b"Salted__"
_AES_BLOCK_BYTES = 16

_MASK = "••••"
_SHORT = 16  # four characters of fewer than these would be more than a quarter of the secret


class SecretUnreadable(Conflict):
    """A stored secret does not decrypt: wrong key, damaged, or copied from another place; all look the same.

    A conflict (409), because nothing is wrong with the request: it clashes with what is stored, until the
    secret is entered again. Not a 5xx: the published clients repeat those, and repeating cannot help.
    """

    code = "SECRET_UNREADABLE"
    message = "A stored secret cannot be read with this server's encryption keys. Enter the secret again."


@dataclass(frozen=True, slots=True)
class Place:
    """Where a secret is stored. A ciphertext opens only in the place for which it was made."""

    organization: str
    collection: str
    id: str
    field: str


@dataclass(frozen=True, slots=True)
class _Key:
    """All that follows from one value of ENCRYPTION_KEY; ``legacy`` is that value as LLM Crafter uses it."""

    id: str
    cipher: AESGCM
    fingerprint_key: bytes = field(repr=False)
    legacy: bytes = field(repr=False)


class Keyring:
    """The keys of a deployment: one that encrypts, and any number of earlier ones that still decrypt.

    A stored secret is one string, ``crafter:1:A256GCM:<key id>:<nonce>:<ciphertext and tag>``, the last two
    in unpadded base64url: AES-256-GCM with a fresh 12-byte nonce. The key id is the first 8 hex digits of
    the SHA-256 of the derived key.

    Keys are derived with HKDF-SHA256: from the 32 bytes that 64 hex digits spell, or else from the
    PBKDF2-HMAC-SHA256 of the pass-phrase (600,000 rounds: 0.2 s, once per process).
    """

    def __init__(self, active: str, retired: Iterable[str] = ()) -> None:
        self._active = _derive(active)
        self._keys = [self._active, *map(_derive, retired)]
        self._by_id = {key.id: key for key in self._keys}

    @classmethod
    def from_settings(cls, settings: Settings) -> "Keyring":
        """The keyring that the settings describe. Raises ConfigurationError without an encryption key."""
        if settings.encryption_key is None:
            raise ConfigurationError(["ENCRYPTION_KEY: must be set before secrets can be stored"])
        retired = [key.get_secret_value() for key in settings.retired_encryption_keys]
        return cls(settings.encryption_key.get_secret_value(), retired)

    def encrypt(self, text: str, place: Place) -> str:
        """The string to store at ``place``; different each time, also for the same text."""
        nonce = os.urandom(_NONCE_BYTES)
        box = self._active.cipher.encrypt(nonce, text.encode(), _bound_to(place, self._active.id))
        return f"{_PREFIX}:{self._active.id}:{_to_base64url(nonce)}:{_to_base64url(box)}"

    def decrypt(self, stored: str, place: Place) -> str:
        """The text of what is stored at ``place``: an envelope, LLM Crafter's format, or legacy plaintext.

        Raises SecretUnreadable.
        """
        if stored.startswith(_LEGACY_PREFIX):
            return self._decrypt_legacy(stored)
        if not is_encrypted(stored):
            return stored
        envelope = _ENVELOPE.fullmatch(stored)
        key = self._by_id.get(envelope[1]) if envelope else None
        if envelope is None or key is None:
            raise SecretUnreadable
        try:
            nonce, box = _from_base64url(envelope[2]), _from_base64url(envelope[3])
            return key.cipher.decrypt(nonce, box, _bound_to(place, key.id)).decode()
        except (InvalidTag, ValueError):
            raise SecretUnreadable from None

    def is_current(self, stored: str) -> bool:
        """Whether the value is in our format, under the active key; if not, it waits to be re-encrypted."""
        return key_id_of(stored) == self._active.id

    def opens(self, stored: str) -> bool:
        """Whether the key of a stored value is there; whether the value is in its place, only ``decrypt`` tells."""
        if stored.startswith(_LEGACY_PREFIX):
            try:
                self._decrypt_legacy(stored)
            except SecretUnreadable:
                return False
            return True
        return not is_encrypted(stored) or key_id_of(stored) in self._by_id

    def fingerprint(self, text: str) -> str:
        """64 hex digits that are equal for equal texts and say nothing about them without the active key."""
        return hmac.digest(self._active.fingerprint_key, text.encode(), "sha256").hex()

    def _decrypt_legacy(self, stored: str) -> str:
        for key in self._keys:
            try:
                return _open_salted(stored, key.legacy)
            except ValueError:
                continue
        raise SecretUnreadable


def is_encrypted(stored: str) -> bool:
    """Whether a stored value is a ciphertext, ours or LLM Crafter's; anything else is legacy plaintext."""
    return stored.startswith(_LEGACY_PREFIX) or _ANY_ENVELOPE.match(stored) is not None


def key_id_of(stored: str) -> str | None:
    """The id of the key that a value of our format needs; None for LLM Crafter's format and for plaintext."""
    envelope = _ENVELOPE.fullmatch(stored)
    return envelope[1] if envelope else None


def mask(text: str) -> str:
    """A secret for display: dots and its last four characters; of a short secret (under 16) only the dots."""
    return _MASK + text[-4:] if len(text) >= _SHORT else _MASK


@lru_cache(maxsize=32)
def _derive(secret: str) -> _Key:
    if _RAW_KEY.fullmatch(secret):
        material = bytes.fromhex(secret)
    else:
        material = hashlib.pbkdf2_hmac("sha256", secret.encode(), _PBKDF2_SALT, _PBKDF2_ROUNDS)
    encryption_key = _expand(material, b"crafter:1:encryption")
    return _Key(
        id=hashlib.sha256(encryption_key).hexdigest()[:8],
        cipher=AESGCM(encryption_key),
        fingerprint_key=_expand(material, b"crafter:1:fingerprint"),
        legacy=secret.encode(),
    )


def _expand(material: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(material)


def _bound_to(place: Place, key_id: str) -> bytes:
    """The associated data: as JSON, so that no two places share an encoding, whatever their names contain."""
    parts = [_PREFIX, key_id, place.organization, place.collection, place.id, place.field]
    return json.dumps(parts, separators=(",", ":")).encode()


def _to_base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _from_base64url(text: str) -> bytes:
    """Raises ValueError, also for a second spelling of the same bytes."""
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _to_base64url(raw) != text:
        raise ValueError("not the canonical base64url")
    return raw


def _open_salted(stored: str, passphrase: bytes) -> str:
    """Open OpenSSL's salted container (AES-256-CBC, key from MD5). Raises ValueError.

    Nothing authenticates it: about one wrong key in 256 passes the padding, and is then stopped by UTF-8.
    """
    raw = base64.b64decode(stored, validate=True)
    magic, salt, box = raw[:8], raw[8:16], raw[16:]
    if magic != _LEGACY_MAGIC or not box or len(box) % _AES_BLOCK_BYTES:
        raise ValueError("not a salted container")
    material = block = b""
    while len(material) < 48:
        block = hashlib.md5(block + passphrase + salt, usedforsecurity=False).digest()
        material += block
    decryptor = Cipher(algorithms.AES(material[:32]), modes.CBC(material[32:48])).decryptor()
    padded = decryptor.update(box) + decryptor.finalize()
    unpadder = PKCS7(8 * _AES_BLOCK_BYTES).unpadder()
    text = (unpadder.update(padded) + unpadder.finalize()).decode()
    if not text:
        raise ValueError("LLM Crafter stores no empty secrets")
    return text
