"""The secrets of an installation that was given none."""

import re
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from crafter.core.config import ConfigurationError, load_settings
from crafter.core.embedded_secrets import load_or_create_secrets


def test_they_are_made_once_for_their_user_only(tmp_path: Path) -> None:
    jwt_secret, encryption_key = load_or_create_secrets(tmp_path / "data")

    assert re.fullmatch("[0-9a-f]{64}", jwt_secret)
    assert re.fullmatch("[0-9a-f]{64}", encryption_key)
    assert jwt_secret != encryption_key
    assert load_or_create_secrets(tmp_path / "data") == (jwt_secret, encryption_key)
    assert [file.name for file in (tmp_path / "data").iterdir()] == ["secrets.env"]
    assert stat.S_IMODE((tmp_path / "data" / "secrets.env").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_they_are_strong_enough_for_the_settings(tmp_path: Path) -> None:
    jwt_secret, encryption_key = load_or_create_secrets(tmp_path)

    settings = load_settings(
        {"MONGODB_URI": "mongodb://h/", "JWT_SECRET": jwt_secret, "ENCRYPTION_KEY": encryption_key}
    )
    assert settings.jwt_secret is not None


def test_two_directories_have_nothing_in_common(tmp_path: Path) -> None:
    assert not {*load_or_create_secrets(tmp_path / "a")} & {*load_or_create_secrets(tmp_path / "b")}


def test_processes_that_start_at_once_get_the_same(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from crafter.core.embedded_secrets import load_or_create_secrets\n"
        "sys.stdin.readline(); print(load_or_create_secrets(Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "data")]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda process: process.communicate("go\n", timeout=60)[0], processes))

    assert len(set(answers)) == 1
    assert answers[0].startswith("('")
    assert [file.name for file in (tmp_path / "data").iterdir()] == ["secrets.env"]


@pytest.mark.parametrize(
    "text", ["", "JWT_SECRET=short\nENCRYPTION_KEY=short\n", "JWT_SECRET=" + "a" * 64 + "\n", "\x00\xff"]
)
def test_a_file_that_cannot_be_understood_is_refused_and_kept(tmp_path: Path, text: str) -> None:
    file = tmp_path / "secrets.env"
    file.write_text(text)
    tmp_path.chmod(0o700)

    with pytest.raises(ConfigurationError, match=r"secrets\.env does not hold .* restore it"):
        load_or_create_secrets(tmp_path)

    assert file.read_text() == text
