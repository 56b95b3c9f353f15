"""What an operator deploys: the image, and the replica set of ``docker-compose.yml``.

No container runs here, so the files are read: what the service needs of them is asserted.
"""

import re
import shlex
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from crafter.core.config import load_settings
from crafter.providers.catalogue import DEFAULT_PROVIDERS
from tests.test_configuration import FIXED_BY_COMPOSE, REQUIRED, env_example, settings

ROOT = Path(__file__).parent.parent
MEMBERS = ("mongo1", "mongo2", "mongo3")
DOCKERFILE = (ROOT / "Dockerfile").read_text()


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = compose["services"]
    return found


def script(service: dict[str, Any]) -> str:
    """The script that is a service's only argument, as the container sees it."""
    return str(service["command"][0]).replace("$$", "$")


def seconds(span: str) -> int:
    return int(span.removesuffix("s"))


@pytest.mark.parametrize("member", MEMBERS)
def test_a_member_of_the_replica_set_is_authenticated_and_runs_no_scripts(
    services: dict[str, Any], member: str
) -> None:
    flags = services[member]["command"]

    assert {
        "--replSet=crafter",
        "--keyFile=/tmp/keyfile",
        "--noscripting",
        "--networkMessageCompressors=disabled",
        "--setParameter=oplogNetworkTimeoutBufferSeconds=1",
    } <= set(flags)
    assert "ports" not in services[member], "the database is not offered to the host"


@pytest.mark.parametrize("member", MEMBERS)
def test_a_member_keeps_its_data_in_a_volume_of_its_own(
    compose: dict[str, Any], services: dict[str, Any], member: str
) -> None:
    assert services[member]["volumes"] == [f"{member}:/data/db"]
    assert member in compose["volumes"]


def test_the_key_file_is_readable_by_the_database_alone(services: dict[str, Any]) -> None:
    entrypoint = services["mongo1"]["entrypoint"][2].replace("$$", "$").splitlines()

    assert entrypoint.index("umask 077") < entrypoint.index("printf '%s' \"$MONGO_KEYFILE\" > /tmp/keyfile")
    assert "chown mongodb:mongodb /tmp/keyfile" in entrypoint


def test_the_replica_set_fails_over_within_seconds(services: dict[str, Any]) -> None:
    initiation = script(services["mongo-init"])

    assert (
        "settings: {electionTimeoutMillis: 2000, heartbeatTimeoutSecs: 2, heartbeatIntervalMillis: 500}"
        in (initiation)
    )
    assert re.findall(r"\bmongo\d:27017", initiation) == [f"{member}:27017" for member in MEMBERS]


def test_the_account_of_the_service_is_none_of_an_administrator(services: dict[str, Any]) -> None:
    roles = re.search(r"roles: \[(.*)\],", script(services["mongo-init"]))

    assert roles is not None
    assert roles[1] == '"readWrite", "dbAdmin", {role: "clusterMonitor", db: "admin"}'
    assert "MONGO_ROOT_PASSWORD" not in services["crafter"]["environment"]


def test_nothing_starts_before_what_it_needs(services: dict[str, Any]) -> None:
    needs = {name: service.get("depends_on", {}) for name, service in services.items()}

    assert needs["mongo-init"] == {name: {"condition": "service_healthy"} for name in MEMBERS}
    assert needs["prepare"] == {"mongo-init": {"condition": "service_completed_successfully"}}
    assert needs["crafter"] == {"prepare": {"condition": "service_completed_successfully"}}
    assert all("healthcheck" in services[member] for member in MEMBERS)
    assert services["prepare"]["command"] == ["crafter", "init"]


def test_the_service_may_finish_what_it_is_doing(services: dict[str, Any]) -> None:
    drain = load_settings({}).drain_seconds

    assert seconds(services["crafter"]["stop_grace_period"]) >= max(30, drain + 10)
    assert all(seconds(services[member]["stop_grace_period"]) >= 30 for member in MEMBERS)


@pytest.mark.parametrize("name", ["prepare", "crafter"])
def test_the_service_runs_with_no_rights_it_does_not_need(services: dict[str, Any], name: str) -> None:
    service = services[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_the_service_is_offered_to_this_host_only_unless_told_otherwise(services: dict[str, Any]) -> None:
    assert services["crafter"]["ports"] == ["${PUBLISH:-127.0.0.1:3000}:3000"]


def test_every_setting_can_be_made_in_the_environment_file(services: dict[str, Any]) -> None:
    environment = services["crafter"]["environment"]
    passed_on = {name for name, value in environment.items() if value is None}

    assert passed_on == {name for name, _ in settings()} - REQUIRED - FIXED_BY_COMPOSE | {
        f"{provider.name.upper()}_BASE_URL" for provider in DEFAULT_PROVIDERS
    }
    assert environment["CRAFTER_ENV"] == "production"
    assert environment["MONGODB_URI"].endswith(
        "@mongo1,mongo2,mongo3/crafter?replicaSet=crafter&authSource=crafter"
    )


def test_a_secret_that_is_not_set_stops_everything_and_is_in_the_example(compose: dict[str, Any]) -> None:
    text = yaml.safe_dump(compose)
    required = set(re.findall(r"\$\{([A-Z_]+):\?set it in \.env\}", text))
    offered = dict(re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", text))
    example = env_example()

    assert required == {
        "MONGO_PASSWORD",
        "MONGO_ROOT_PASSWORD",
        "MONGO_KEYFILE",
        "JWT_SECRET",
        "ENCRYPTION_KEY",
    }
    assert all(f"\n{name}=\n" in example for name in required)
    assert all(f"\n# {name}={default}\n" in example for name, default in offered.items())


def test_the_image_installs_the_whole_build_backend() -> None:
    """Its names are listed by hand; a new dependency of hatchling would otherwise break the build."""
    listed = re.search(r"awk '/\^\(([a-z|-]+)\)==/", DOCKERFILE)
    needed, queue = set(), ["hatchling"]
    while queue:
        name = queue.pop()
        needed.add(name)
        wanted = [Requirement(text) for text in requires(name) or []]
        queue += [
            r.name
            for r in wanted
            if (not r.marker or r.marker.evaluate({"extra": ""})) and r.name not in needed
        ]

    assert listed is not None
    assert set(listed[1].split("|")) >= needed


def test_the_image_holds_what_was_reviewed_and_runs_as_nobody_special() -> None:
    stages = DOCKERFILE.split("\nFROM ")

    installs = re.findall(r"pip install (.*)", DOCKERFILE)
    assert all("--require-hashes" in options or "--no-index" in options for options in installs)
    assert "USER 10001:10001" in stages[-1]
    assert "/health/live" in stages[-1]
    assert stages[-1].rstrip().endswith('CMD ["crafter", "serve", "--host", "0.0.0.0"]')


def test_the_builder_gets_everything_that_the_image_is_made_from() -> None:
    let_through = {
        line[1:].rstrip("/")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = {
        source.rstrip("/")
        for line in DOCKERFILE.splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for source in shlex.split(line)[1:-1]
    }

    assert copied == let_through
    assert all((ROOT / name).exists() for name in copied)
