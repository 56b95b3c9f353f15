"""What a new password must be, how strong it is, and how that is explained to people."""

import re
from collections.abc import Callable
from string import ascii_lowercase
from typing import Any, Literal

from crafter.core.passwords import MAX_PASSWORD_BYTES

Strength = Literal["very-weak", "weak", "medium", "strong", "very-strong"]

_MIN_LENGTH = 12
_MAX_LENGTH = 128
_SPECIAL = "!@#$%^&*()_+-=[]{}|;:,.<>?"
_UPPER = re.compile(r"[A-Z]")
_LOWER = re.compile(r"[a-z]")
_DIGIT = re.compile(r"[0-9]")
_OTHER = re.compile(r"[^A-Za-z0-9]")
_UNUSABLE = re.compile(r"[\x00\ud800-\udfff]")

_RUNS = tuple(line[at : at + 3] for line in ("01234567890", ascii_lowercase) for at in range(len(line) - 2))
_PREDICTABLE_STARTS = (*_RUNS, "qwerty", "asdfgh", "zxcvbn")
_COMMON_WORDS = (
    "password", "pass", "123456", "qwerty", "admin", "root", "user", "login", "guest", "test", "demo", "temp",
    "default", "secret",
)  # fmt: skip

_SCORES: tuple[tuple[int, Strength], ...] = ((2, "very-weak"), (4, "weak"), (6, "medium"), (8, "strong"))


def _is_predictable(password: str) -> bool:
    one_character = len(password) > 1 and len(set(password)) == 1
    return one_character or password.lower().startswith(_PREDICTABLE_STARTS)


def _fits_bcrypt(password: str) -> bool:
    return len(password.encode("utf-8", "surrogatepass")) <= MAX_PASSWORD_BYTES


_RULES: tuple[tuple[Callable[[str], object], str], ...] = (
    (lambda p: len(p) >= _MIN_LENGTH, f"Password must be at least {_MIN_LENGTH} characters long"),
    (lambda p: len(p) <= _MAX_LENGTH, f"Password must be no more than {_MAX_LENGTH} characters long"),
    (
        _fits_bcrypt,
        f"Password must be no more than {MAX_PASSWORD_BYTES} bytes long (é takes two, an emoji four)",
    ),
    (lambda p: not _UNUSABLE.search(p), "Password contains a character that cannot be used"),
    (_UPPER.search, "Password must contain at least one uppercase letter"),
    (_LOWER.search, "Password must contain at least one lowercase letter"),
    (_DIGIT.search, "Password must contain at least one number"),
    (
        lambda p: not set(p).isdisjoint(_SPECIAL),
        f"Password must contain at least one special character ({_SPECIAL})",
    ),
    (lambda p: not _is_predictable(p), "Password contains a common or predictable pattern"),
)
"""Each rule holds or is answered with its sentence; the first broken one is reported."""


def broken_rule(password: object) -> str | None:
    """The sentence for the first rule that a new password breaks, or None if it keeps them all."""
    if not isinstance(password, str) or not password:
        return "Password is required and must be a string"
    for holds, sentence in _RULES:
        if not holds(password):
            return sentence
    lowered = password.lower()
    word = next((word for word in _COMMON_WORDS if word in lowered), None)
    return f'Password cannot contain common words like "{word}"' if word else None


def strength(password: str) -> Strength:
    """How strong a password is, by LLM Crafter's score of length and variety."""
    length = len(password)
    score = 2 if length >= _MIN_LENGTH else 1 if length >= 8 else 0
    score += sum(1 for kind in (_LOWER, _UPPER, _DIGIT) if kind.search(password))
    score += 2 if _OTHER.search(password) else 0
    score += (length >= 16) + (length >= 20)
    score -= 2 if _is_predictable(password) else 0
    score += len(set(password)) >= length * 0.7
    return next((name for most, name in _SCORES if score <= most), "very-strong")


def policy_description() -> dict[str, Any]:
    """The policy in words: requirements, recommendations, and examples of good and bad passwords."""
    return {
        "requirements": [
            f"At least {_MIN_LENGTH} characters, and no more than {MAX_PASSWORD_BYTES} bytes",
            "At least one uppercase letter (A-Z)",
            "At least one lowercase letter (a-z)",
            "At least one number (0-9)",
            f"At least one special character ({_SPECIAL})",
            "Not one character repeated, and no start like 123, abc or qwerty",
            "No common words such as password, admin or test",
        ],
        "recommendations": [
            "Let a password manager make and keep it",
            "Or join several words that have nothing to do with each other",
            "Leave out names, dates and whatever else is known about you",
            "Use it nowhere else",
        ],
        "examples": {
            "good": ["Blue$Ocean77Waves", "Quiet!Lemons4Breakfast", "7Rivers&NoBridge?"],
            "bad": ["password123", "qwertyuiop", "123456789", "Admin2024!", "aaaaaaaaaaaa"],
        },
    }
