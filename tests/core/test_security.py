"""Platform keys: how they look, and what is stored of them."""

import re

import pytest

from crafter.core.security import hash_key, new_key


def test_a_key_is_64_lower_case_hex_digits_and_never_the_same() -> None:
    keys = {new_key() for _ in range(1000)}

    assert len(keys) == 1000
    assert all(re.fullmatch(r"[0-9a-f]{64}", key) for key in keys)


def test_the_hash_of_a_key_is_the_one_that_llm_crafter_stores() -> None:
    raw = "6aff92453d72ca5d17c41d515b892e3bc51e790f5d0c7e957f68d7cb78fd117c"

    assert hash_key(raw) == "59b707c65988bd53a7722c8acee4836f155a019116fd207c8dffddb5feed019b"


@pytest.mark.parametrize("raw", ["", "é", "\x00", "\ud800", "' OR '1'='1", "x" * 1_000_000])
def test_whatever_is_sent_as_a_key_has_a_hash(raw: str) -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", hash_key(raw))
