"""The pages that describe the settings say what the settings are.

Run this module as a script to write the pages anew: ``python tests/test_configuration.py``.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from annotated_types import Ge, Le
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from crafter.core.config import ConfigurationError, Settings, described, load_settings

ROOT = Path(__file__).parent.parent
ENV_EXAMPLE = ROOT / ".env.example"
CONFIGURATION = ROOT / "docs" / "configuration.md"
TABLE_START = "<!-- settings: written by tests/test_configuration.py -->\n"
TABLE_END = "<!-- end of settings -->\n"

ENV_HEAD = """\
# For docker compose, which reads .env beside docker-compose.yml: copy this file to .env and fill in the five
# secrets. What is commented out has the value that is shown. Crafter itself reads the environment, no file.

# Only hexadecimal digits, since it becomes part of an address: openssl rand -hex 32
MONGO_PASSWORD=
# The administrator of the database: openssl rand -hex 32
MONGO_ROOT_PASSWORD=
# What the members of the database know each other by: openssl rand -hex 64
MONGO_KEYFILE=
# openssl rand -hex 32
JWT_SECRET=
# openssl rand -hex 32. Keep a copy away from the database: without it, stored provider keys cannot be read.
ENCRYPTION_KEY=

# Where the host offers the service, and how much memory (GB) each database member caches with.
# PUBLISH=127.0.0.1:3000
# MONGO_CACHE_GB=0.5
"""
REQUIRED = {"JWT_SECRET", "ENCRYPTION_KEY"}
FIXED_BY_COMPOSE = {"CRAFTER_ENV", "CRAFTER_HOST", "PORT", "MONGODB_URI", "CRAFTER_DATA_DIR"}


def settings() -> Iterator[tuple[str, FieldInfo]]:
    """Every setting with the name of its variable."""
    for field in described().values():
        if isinstance(field.validation_alias, str):
            yield field.validation_alias, field


def as_text(value: Any) -> str:
    """A default as it would stand in the environment."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return ",".join(value)
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else str(value)


def is_secret(field: FieldInfo) -> bool:
    return SecretStr in (field.annotation, *get_args(field.annotation))


def meaning(field: FieldInfo) -> str:
    """The description, and the bounds of a number."""
    low = next((rule.ge for rule in field.metadata if isinstance(rule, Ge)), None)
    high = next((rule.le for rule in field.metadata if isinstance(rule, Le)), None)
    return f"{field.description} {low} to {high}." if low is not None else str(field.description)


def env_example() -> str:
    """The whole of ``.env.example``."""
    parts = [ENV_HEAD]
    for name, field in settings():
        if name not in REQUIRED | FIXED_BY_COMPOSE:
            parts.append(f"# {meaning(field)}\n# {name}={as_text(field.default)}\n")
    return "\n".join(parts)


def settings_table() -> str:
    """The table in ``docs/configuration.md``."""
    rows = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for name, field in settings():
        default = as_text(field.default)
        rows.append(f"| `{name}` | {f'`{default}`' if default else ''} | {meaning(field)} |")
    urls = str(Settings.model_fields["provider_base_urls"].description)
    rows.append(f"| `<NAME>_BASE_URL` | | {urls.replace('<NAME>_BASE_URL', '`<NAME>_BASE_URL`')} |")
    return "\n".join(rows) + "\n"


def test_the_example_of_an_environment_lists_every_setting() -> None:
    assert ENV_EXAMPLE.read_text() == env_example(), "run: python tests/test_configuration.py"


def test_the_table_of_settings_is_complete() -> None:
    page = CONFIGURATION.read_text()
    table = page.partition(TABLE_START)[2].partition(TABLE_END)[0]

    assert table == settings_table(), "run: python tests/test_configuration.py"


def test_every_setting_is_described() -> None:
    undescribed = [name for name, field in Settings.model_fields.items() if not field.description]

    assert undescribed == []


def test_no_secret_has_a_default() -> None:
    defaults = {name: field.default for name, field in settings() if is_secret(field) and field.default}

    assert defaults == {}


def test_the_filled_in_example_is_a_configuration_that_starts_in_production() -> None:
    environment = {
        name: value
        for name, _, value in (line.removeprefix("# ").partition("=") for line in env_example().splitlines())
        if name.isupper() and " " not in name
    }
    environment |= dict.fromkeys(REQUIRED, "f0e1d2c3b4a59687" * 4)
    environment |= {"CRAFTER_ENV": "production", "MONGODB_URI": "mongodb://crafter:abc@mongo1/crafter"}

    loaded = load_settings(environment)

    assert {name: getattr(loaded, name) for name in ("production", "port", "rate_limits", "operators")} == {
        "production": True,
        "port": 3000,
        "rate_limits": True,
        "operators": [],
    }


def test_the_example_does_not_start_before_its_secrets_are_filled_in() -> None:
    with pytest.raises(ConfigurationError, match="JWT_SECRET"):
        load_settings({"MONGODB_URI": "mongodb://crafter:abc@mongo1/crafter", "JWT_SECRET": ""})


def write() -> None:
    """Write the pages from the settings."""
    ENV_EXAMPLE.write_text(env_example())
    before, _, rest = CONFIGURATION.read_text().partition(TABLE_START)
    CONFIGURATION.write_text(
        before + TABLE_START + settings_table() + TABLE_END + rest.partition(TABLE_END)[2]
    )


if __name__ == "__main__":
    write()
