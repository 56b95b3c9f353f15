"""The password policy: LLM Crafter's rules in LLM Crafter's words, and what bcrypt adds to them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crafter.users.password_policy import Strength, broken_rule, policy_description, strength

SPECIAL = "!@#$%^&*()_+-=[]{}|;:,.<>?"
MISSING = "Password is required and must be a string"
SHORT = "Password must be at least 12 characters long"
LONG = "Password must be no more than 128 characters long"
BYTES = "Password must be no more than 72 bytes long (é takes two, an emoji four)"
UNUSABLE = "Password contains a character that cannot be used"
UPPER = "Password must contain at least one uppercase letter"
LOWER = "Password must contain at least one lowercase letter"
NUMBER = "Password must contain at least one number"
SIGN = f"Password must contain at least one special character ({SPECIAL})"
PATTERN = "Password contains a common or predictable pattern"


def common(word: str) -> str:
    return f'Password cannot contain common words like "{word}"'


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        (None, MISSING),
        ("", MISSING),
        (123456789012, MISSING),
        (["Blue$Ocean77Waves"], MISSING),
        ("Blue$Oce77W", SHORT),
        ("a", SHORT),
        ("Blue$Oce77Wa", None),
        ("Bl$7" + "x" * 125, LONG),
        ("é" * 129, LONG),
        ("Bl$7" + "x" * 124, BYTES),
        ("Bl$7" + "x" * 69, BYTES),
        ("Bl$7" + "é" * 35, BYTES),
        ("Bl$7" + "x" * 68, None),
        ("Bl$7" + "é" * 34, None),
        ("\x00" + "x" * 20, UNUSABLE),
        ("\ud800" + "x" * 20, UNUSABLE),
        ("blue$ocean77waves", UPPER),
        ("éblue$ocean77waves", UPPER),
        ("ÉBLUE$OCEAN77WAVES", LOWER),
        ("BLUEOCEANWAVES", LOWER),
        ("Blue$OceanWaves", NUMBER),
        ("Blue$Ocean\N{ARABIC-INDIC DIGIT SEVEN}Waves", NUMBER),
        ("BlueOcean77Waves", SIGN),
        ("Blue Ocean77Waves~/'\"\\`", SIGN),
        ("123Blue$OceanWaves", PATTERN),
        ("890Blue$OceanWaves", PATTERN),
        ("901Blue$OceanWaves", None),
        ("ABCblue$Ocean77", PATTERN),
        ("xyZblue$Ocean77", PATTERN),
        ("yzablue$Ocean77W", None),
        ("Blue$abc123Ocean", None),
        ("Asdfgh$Ocean77Waves", PATTERN),
        ("Qwerty$Ocean77Waves", PATTERN),
        ("Blue$Password77", common("password")),
        ("Blue$Compass77W", common("pass")),
        ("Blue$x123456Waves", common("123456")),
        ("Blue$xQwErTyWaves7", common("qwerty")),
        ("Blue$ADMIN77Waves", common("admin")),
        ("Blue$Grooty77Waves", common("root")),
        ("Blue$Tempest77Wav", common("temp")),
        ("Blue$Latest77Waves", common("test")),
        ("Blue$Secret77Waves", common("secret")),
        ("Blue$Ocean77Waves", None),
    ],
)
def test_the_first_broken_rule_is_reported(password: object, sentence: str | None) -> None:
    assert broken_rule(password) == sentence


@pytest.mark.parametrize("sign", SPECIAL)
def test_each_special_character_of_the_list_counts(sign: str) -> None:
    assert broken_rule(f"Blue{sign}Ocean77Waves") is None


@pytest.mark.parametrize("start", ["012", "345", "789", "abc", "lmn", "XYZ", "qwerty", "ASDFGH", "zxcvbn"])
def test_predictable_starts_are_refused_only_at_the_start(start: str) -> None:
    assert broken_rule(f"{start}$Blue77Waves") == PATTERN
    if start != "qwerty":  # which is also a common word
        assert broken_rule(f"Blue77${start}Waves") is None


@given(rest=st.text(min_size=8))
def test_whatever_keeps_the_policy_can_be_hashed_whole(rest: str) -> None:
    password = "Zq7$" + rest
    if broken_rule(password) is None:
        secret = password.encode()
        assert len(secret) <= 72
        assert b"\0" not in secret


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("", "very-weak"),  # 1: all of no characters are distinct
        ("!", "weak"),  # 2 + 1: one character repeats nothing
        ("!!", "very-weak"),  # 2 - 2
        ("aaaa", "very-weak"),  # 1 - 2
        ("abcdefgh", "very-weak"),  # 1 + 1 - 2 + 1
        ("abcdefg1!x", "weak"),  # 1 + 2 + 2 - 2 + 1
        ("hgfedcba", "weak"),  # 1 + 1 + 1
        ("Hgfedcba", "weak"),  # 1 + 2 + 1
        ("Hgfedcb1", "medium"),  # 1 + 3 + 1
        ("Hgfedc1!", "strong"),  # 1 + 3 + 2 + 1
        ("aaaaaaaaaaaaaaaaaaaa", "weak"),  # 2 + 1 + 2 - 2
        ("zaaaaaaaaaaaaaaaaaaa", "medium"),  # 2 + 1 + 2
        ("Aa1!Aa1!Aa1!", "strong"),  # 2 + 3 + 2
        ("Hgfedc1!jkqw", "strong"),  # 2 + 3 + 2 + 1
        ("Blue$Ocean77Waves", "very-strong"),  # 2 + 3 + 2 + 1 + 1
        ("Aa1!Aa1!Aa1!Aa1!", "strong"),  # 2 + 3 + 2 + 1
        ("Aa1!Aa1!Aa1!Aa1!Aa1!", "very-strong"),  # 2 + 3 + 2 + 2
    ],
)
def test_strength_follows_length_and_variety(password: str, expected: Strength) -> None:
    assert strength(password) == expected


def test_the_description_has_the_counts_that_clients_show() -> None:
    description = policy_description()

    assert list(description) == ["requirements", "recommendations", "examples"]
    assert (len(description["requirements"]), len(description["recommendations"])) == (7, 4)
    assert {kind: len(passwords) for kind, passwords in description["examples"].items()} == {
        "good": 3,
        "bad": 5,
    }
    assert any("72 bytes" in requirement for requirement in description["requirements"])


def test_the_examples_are_what_they_are_called() -> None:
    examples: dict[str, Any] = policy_description()["examples"]

    assert [broken_rule(password) for password in examples["good"]] == [None] * 3
    assert all(broken_rule(password) for password in examples["bad"])
