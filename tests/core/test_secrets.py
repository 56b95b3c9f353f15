"""Stored secrets: what opens them, what must not, and what they give away."""

import base64
import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from crafter.core.config import ConfigurationError, load_settings
from crafter.core.errors import Conflict
from crafter.core.secrets import Keyring, Place, SecretUnreadable, is_encrypted, key_id_of, mask

RAW_KEY = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
OTHER_KEY = "f" * 64
PASS_PHRASE = "a pass-phrase of more than thirty-two characters"
PLACE = Place("org-1", "apikeys", "key-1", "key")
LEGACY = "U2FsdGVkX1+nC7MItJ8CE0/RAcmNhYT/PJbBmGBk2WY="
LEGACY_FROM_OPENSSL = "U2FsdGVkX1/HO2r0dWSsXNIuIsJZb8uEaZPE8z+Ljcs="
STORED_UNDER_RAW_KEY = (
    "crafter:1:A256GCM:eedf6dd3:-oxkrw1b2gyn-Mc7:5fTtWUjgvXuxUtTSYjqh9Gne1AcZuTC0kl3IBv1cZw"
)
STORED_UNDER_PASS_PHRASE = (
    "crafter:1:A256GCM:ef4a90d0:aRxqMd_Rt6WG89sT:0VhLrzp9Uv-AjOd3b1352ZuHVr7t_jOJHy4fY45H4Q"
)


@pytest.fixture(scope="module")
def keyring() -> Keyring:
    return Keyring(RAW_KEY)


@hypothesis_settings(deadline=None)
@given(text=st.text())
def test_every_text_comes_back_as_it_went_in(keyring: Keyring, text: str) -> None:
    stored = keyring.encrypt(text, PLACE)

    assert keyring.decrypt(stored, PLACE) == text


def test_the_envelope_names_version_algorithm_and_key(keyring: Keyring) -> None:
    prefix, version, algorithm, key_id, nonce, box = keyring.encrypt("sk-test-1234", PLACE).split(":")

    assert (prefix, version, algorithm) == ("crafter", "1", "A256GCM")
    assert key_id == "eedf6dd3"
    assert len(unpack(nonce)) == 12
    assert len(unpack(box)) == len("sk-test-1234") + 16


@pytest.mark.parametrize(
    ("key", "stored"), [(RAW_KEY, STORED_UNDER_RAW_KEY), (PASS_PHRASE, STORED_UNDER_PASS_PHRASE)]
)
def test_what_earlier_releases_stored_still_opens(key: str, stored: str) -> None:
    assert Keyring(key).decrypt(stored, PLACE) == "sk-test-1234 ü"


def test_nonces_and_ciphertexts_never_repeat(keyring: Keyring) -> None:
    stored = [keyring.encrypt("the same text", PLACE) for _ in range(100_000)]

    nonces, boxes = zip(*(value.split(":")[4:] for value in stored), strict=True)
    assert len(set(nonces)) == 100_000
    assert len(set(boxes)) == 100_000


def test_any_flipped_bit_of_nonce_ciphertext_or_tag_is_noticed(keyring: Keyring) -> None:
    *head, nonce, box = keyring.encrypt("sk-test-1234", PLACE).split(":")
    sealed = unpack(nonce) + unpack(box)

    for bit in range(8 * len(sealed)):
        damaged = bytearray(sealed)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SecretUnreadable):
            keyring.decrypt(":".join([*head, pack(damaged[:12]), pack(damaged[12:])]), PLACE)


def test_any_changed_character_of_the_envelope_is_noticed(keyring: Keyring) -> None:
    stored = keyring.encrypt("sk-test-1234", PLACE)

    for at, old in itertools.islice(enumerate(stored), len("crafter:1:A256GCM:"), None):
        for new in {"0", "A", "g", "-", "_", "=", "!", " ", "\n", ":", "é"} - {old}:
            with pytest.raises(SecretUnreadable):
                keyring.decrypt(stored[:at] + new + stored[at + 1 :], PLACE)


def test_a_second_spelling_of_the_same_bytes_is_refused(keyring: Keyring) -> None:
    stored = keyring.encrypt("", PLACE)  # 16 bytes: the last of 22 characters leaves four bits over
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    respelled = stored[:-1] + alphabet[alphabet.index(stored[-1]) + 1]
    assert unpack(respelled.split(":")[5]) == unpack(stored.split(":")[5])

    with pytest.raises(SecretUnreadable):
        keyring.decrypt(respelled, PLACE)


@pytest.mark.parametrize("part", ["organization", "collection", "id", "field"])
def test_a_ciphertext_cannot_be_moved_to_another_place(keyring: Keyring, part: str) -> None:
    stored = keyring.encrypt("sk-test-1234", PLACE)

    with pytest.raises(SecretUnreadable):
        keyring.decrypt(stored, replace(PLACE, **{part: "elsewhere"}))


def test_places_whose_parts_join_to_the_same_text_are_different_places(keyring: Keyring) -> None:
    stored = keyring.encrypt("sk-test-1234", Place('a","b', "c", "d", "e"))

    for other in (
        Place("a", 'b","c', "d", "e"),
        Place("a", "b", "c", 'd","e'),
        Place('a","b","c', "", "d", "e"),
    ):
        with pytest.raises(SecretUnreadable):
            keyring.decrypt(stored, other)


def test_a_ciphertext_cannot_claim_another_key() -> None:
    both = Keyring(RAW_KEY, [OTHER_KEY])
    stored = both.encrypt("sk-test-1234", PLACE)
    other_id = key_id_of(Keyring(OTHER_KEY).encrypt("", PLACE))

    with pytest.raises(SecretUnreadable):
        both.decrypt(stored.replace("eedf6dd3", str(other_id)), PLACE)


def test_two_keys_decrypt_side_by_side_and_the_active_one_encrypts() -> None:
    before, after = Keyring(OTHER_KEY), Keyring(RAW_KEY, [OTHER_KEY])
    old, new = before.encrypt("old", PLACE), after.encrypt("new", PLACE)

    assert (after.decrypt(old, PLACE), after.decrypt(new, PLACE)) == ("old", "new")
    assert key_id_of(old) != key_id_of(new)
    assert (after.is_current(old), after.is_current(new)) == (False, True)
    with pytest.raises(SecretUnreadable):
        before.decrypt(new, PLACE)


def test_a_key_that_is_also_listed_as_retired_stays_the_active_one() -> None:
    both = Keyring(RAW_KEY, [RAW_KEY, OTHER_KEY])

    stored = both.encrypt("sk-test-1234", PLACE)

    assert both.is_current(stored)
    assert both.decrypt(stored, PLACE) == "sk-test-1234"


def test_a_keyring_follows_the_settings() -> None:
    environment = {"ENCRYPTION_KEY": RAW_KEY, "CRAFTER_RETIRED_ENCRYPTION_KEYS": f"{OTHER_KEY}, {'e' * 64}"}
    old = Keyring(OTHER_KEY).encrypt("sk-test-1234", PLACE)

    built = Keyring.from_settings(load_settings(environment))

    assert built.decrypt(old, PLACE) == "sk-test-1234"
    assert built.is_current(built.encrypt("", PLACE))


def test_without_an_encryption_key_there_is_no_keyring() -> None:
    with pytest.raises(ConfigurationError, match="ENCRYPTION_KEY"):
        Keyring.from_settings(load_settings({}))


def test_a_pass_phrase_is_derived_once_per_process_with_600_000_rounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    derive, rounds = hashlib.pbkdf2_hmac, []

    def counting(name: str, password: bytes, salt: bytes, iterations: int) -> bytes:
        rounds.append(iterations)
        return derive(name, password, salt, 1)

    monkeypatch.setattr(hashlib, "pbkdf2_hmac", counting)
    phrase = "a pass-phrase that only this one test uses"

    stored = Keyring(phrase).encrypt("sk-test-1234", PLACE)

    assert Keyring(RAW_KEY, [phrase]).decrypt(stored, PLACE) == "sk-test-1234"
    assert rounds == [600_000]


@pytest.mark.parametrize(
    ("stored", "text"),
    [(LEGACY, "sk-test-1234"), (LEGACY_FROM_OPENSSL, "from-openssl-ü"), ("sk-plain", "sk-plain")],
)
def test_what_llm_crafter_stored_is_read(keyring: Keyring, stored: str, text: str) -> None:
    assert keyring.decrypt(stored, PLACE) == text
    assert not keyring.is_current(stored)
    assert key_id_of(stored) is None


def test_legacy_values_under_a_retired_key_are_read() -> None:
    assert Keyring(PASS_PHRASE, [RAW_KEY]).decrypt(LEGACY, PLACE) == "sk-test-1234"


def unreadable_values() -> Iterator[Any]:
    legacy = base64.b64decode(LEGACY)
    envelope = STORED_UNDER_RAW_KEY.split(":")
    yield pytest.param(STORED_UNDER_PASS_PHRASE, id="a key that nobody has")
    yield pytest.param(STORED_UNDER_RAW_KEY + "A", id="too long")
    yield pytest.param(STORED_UNDER_RAW_KEY[:-10], id="cut off")
    yield pytest.param(":".join(envelope[:5]), id="without ciphertext")
    yield pytest.param(":".join(["crafter", "2", *envelope[2:]]), id="a later version")
    yield pytest.param(":".join(["crafter", "1", "A128GCM", *envelope[3:]]), id="another algorithm")
    yield pytest.param("U2FsdGVkX1", id="the legacy prefix alone")
    yield pytest.param("U2FsdGVkX1!" + LEGACY[11:], id="legacy, not base64")
    yield pytest.param(base64.b64encode(legacy[:16]).decode(), id="legacy, no blocks")
    yield pytest.param(base64.b64encode(legacy[:-1]).decode(), id="legacy, half a block")
    yield pytest.param(base64.b64encode(legacy[:-1] + b"\0").decode(), id="legacy, damaged")
    yield pytest.param("U2FsdGVkX19zYWx0c2FsdNi73DTyV1nVYXC/4gAxmdw=", id="legacy, the bytes FF FE")
    yield pytest.param("U2FsdGVkX19zYWx0c2FsdP7/AzEPf7Far7ZLzGTK0Io=", id="legacy, empty")


@pytest.mark.parametrize("stored", list(unreadable_values()))
def test_what_cannot_be_read_is_a_conflict_that_tells_nothing(keyring: Keyring, stored: str) -> None:
    assert is_encrypted(stored)

    with pytest.raises(SecretUnreadable) as refused:
        keyring.decrypt(stored, PLACE)

    assert isinstance(refused.value, Conflict)
    assert (refused.value.message, refused.value.details) == (SecretUnreadable.message, {})
    assert refused.value.__cause__ is None


def test_a_legacy_value_under_a_wrong_key_is_unreadable() -> None:
    with pytest.raises(SecretUnreadable):
        Keyring(OTHER_KEY).decrypt(LEGACY, PLACE)


@pytest.mark.parametrize(
    "plain", ["", "sk-1", "crafter", "crafter:notes", "Crafter:1:A256GCM:", " U2FsdGVkX1"]
)
def test_other_values_count_as_plaintext(keyring: Keyring, plain: str) -> None:
    assert not is_encrypted(plain)
    assert keyring.decrypt(plain, PLACE) == plain


def test_fingerprints_are_equal_for_equal_texts_under_one_key(keyring: Keyring) -> None:
    fingerprint = keyring.fingerprint("sk-test-1234")

    assert fingerprint == "eb4972db11722b39f3979c6eabcfc2396421eae72674b7e326d34764bfceba5e"
    assert Keyring(RAW_KEY).fingerprint("sk-test-1234") == fingerprint
    assert keyring.fingerprint("sk-test-1235") != fingerprint
    assert Keyring(OTHER_KEY).fingerprint("sk-test-1234") != fingerprint


def test_keys_do_not_show_when_a_keyring_is_printed(keyring: Keyring) -> None:
    shown = repr(keyring) + repr(vars(keyring))

    assert "eedf6dd3" in shown
    assert RAW_KEY not in shown
    assert "b'" not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sk-proj-abcdefgh1234", "••••1234"),
        ("0123456789abcdef", "••••cdef"),
        ("0123456789abcde", "••••"),
        ("1234", "••••"),
        ("", "••••"),
    ],
)
def test_a_mask_shows_four_characters_of_long_secrets_and_none_of_short_ones(text: str, shown: str) -> None:
    assert mask(text) == shown


def unpack(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def pack(raw: bytes | bytearray) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
