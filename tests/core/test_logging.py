"""What a log line looks like, and what never gets into one."""

import asyncio
import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from pydantic import BaseModel, SecretStr, ValidationError

from crafter.core.config import load_settings
from crafter.core.logging import configure_logging, current_request_id

NAMES = [
    "",
    "crafter",
    "pymongo",
    "httpx2",
    "httpcore2",
    "uvicorn",
    "uvicorn.error",
    "uvicorn.access",
    "uvicorn.asgi",
]

Configure = Callable[..., io.StringIO]


@pytest.fixture
def configure() -> Iterator[Configure]:
    """Logging into memory, as the given variables say; everything is as before afterwards."""
    loggers = [logging.getLogger(name) for name in NAMES]
    before = [(logger, list(logger.handlers), logger.level, logger.propagate) for logger in loggers]

    def configure(**environment: str) -> io.StringIO:
        stream = io.StringIO()
        configure_logging(load_settings(environment), stream)
        return stream

    yield configure
    structlog.reset_defaults()
    for logger, handlers, level, propagate in before:
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_its_time_in_utc_its_level_its_event_and_its_fields(configure: Configure) -> None:
    stream = configure()

    structlog.get_logger("crafter.test").info("agent_created", agent="a1", tokens=12)

    [line] = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "agent_created", "level": "info", "agent": "a1", "tokens": 12}


def test_lines_of_the_standard_library_look_the_same(configure: Configure) -> None:
    stream = configure()

    logging.getLogger("uvicorn.error").warning(
        "Started on %s", 3000, extra={"color_message": "\x1b[1mStarted"}
    )
    logging.getLogger("crafter.agents").info("agent_created", extra={"agent": "a1", "api_key": "sk-1"})

    started, created = lines(stream)
    assert (started["event"], started["level"], started["logger"]) == (
        "Started on 3000",
        "warning",
        "uvicorn.error",
    )
    assert "color_message" not in started
    assert (created["event"], created["agent"], created["api_key"]) == ("agent_created", "a1", "***")


async def test_lines_of_one_request_carry_its_id_and_only_its_own(configure: Configure) -> None:
    stream = configure()
    log = structlog.get_logger("crafter.test")

    async def serve(request_id: str) -> None:
        structlog.contextvars.bind_contextvars(request_id=request_id)
        await asyncio.sleep(0)
        assert current_request_id() == request_id
        log.info("ours")
        logging.getLogger("pymongo").warning("theirs")

    await asyncio.gather(*(asyncio.create_task(serve(name)) for name in ("one", "two")))
    log.info("outside")

    ids = [line.get("request_id") for line in lines(stream)]
    assert ids == ["one", "one", "two", "two", None]
    assert current_request_id() is None


SECRETS = [
    "password",
    "new_password",
    "passwd",
    "passphrase",
    "token",
    "access_token",
    "sessionToken",
    "X-Session-Token",
    "token_hash",
    "secret",
    "client_secret",
    "clientSecret",
    "webhook.secret",
    "Authorization",
    "proxy-authorization",
    "Cookie",
    "credentials",
    "key",
    "api_key",
    "apiKey",
    "X-API-Key",
    "apikey",
    "encryption_key",
    "privateKey",
    "keys",
]
HARMLESS = [
    "max_tokens",
    "tokens",
    "input_tokens",
    "token_count",
    "monkey",
    "key_id",
    "keyboard",
    "agent",
    "passed",
]


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize(
    "value", ["hunter2", b"hunter2", 12345, ["hunter2"], {"a": "hunter2"}, SecretStr("hunter2")]
)
def test_values_of_fields_that_look_secret_are_masked_at_any_depth(
    configure: Configure, name: str, value: Any
) -> None:
    stream = configure()

    structlog.get_logger().info("event", **{name: value}, outer={"list": [{name: value}]})

    [line] = lines(stream)
    assert line[name] == "***"
    assert line["outer"] == {"list": [{name: "***"}]}


@pytest.mark.parametrize("name", HARMLESS)
def test_values_of_ordinary_fields_are_shown(configure: Configure, name: str) -> None:
    stream = configure()

    structlog.get_logger().info("event", **{name: "shown"})

    assert lines(stream)[0][name] == "shown"


def test_a_missing_secret_is_seen_to_be_missing(configure: Configure) -> None:
    stream = configure()

    structlog.get_logger().info("event", api_key=None)

    assert lines(stream)[0]["api_key"] is None


@pytest.mark.parametrize("where", ["event", "field", "error", "exception"])
def test_credentials_in_addresses_are_masked_wherever_they_stand(configure: Configure, where: str) -> None:
    stream = configure()
    text = "cannot reach mongodb://root:hunter2@db.example/crafter?x=1"
    log = structlog.get_logger()

    if where == "event":
        log.info(text)
    elif where == "field":
        log.info("event", address=[text])
    elif where == "error":
        log.info("event", error=RuntimeError(text))
    else:
        try:
            raise RuntimeError(text)
        except RuntimeError:
            log.exception("event")

    assert "hunter2" not in stream.getvalue()
    assert "mongodb://***@db.example/crafter?x=1" in stream.getvalue()


@pytest.mark.parametrize("library", [True, False])
def test_a_traceback_is_one_line_without_the_input_that_pydantic_shows(
    configure: Configure, library: bool
) -> None:
    class Strict(BaseModel):
        prompt: int

    stream = configure()
    log: Any = logging.getLogger("crafter.test") if library else structlog.get_logger()
    sent = {"prompt": "my " + "secret, input_type=\nmy " + "secret"}

    try:
        Strict.model_validate(sent)
    except ValidationError:
        log.exception("run_failed")

    [line] = lines(stream)
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert "ValidationError" in line["exception"]
    assert "my secret" not in line["exception"]


FORGED = 'x\n{"event": "forged"}\r\n2026 [info] forged\u2028\u0085\x1b[2J\x00\ud800'


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize("library", [True, False])
def test_no_value_can_forge_a_line_or_drive_the_terminal(
    configure: Configure, log_format: str, library: bool
) -> None:
    stream = configure(CRAFTER_LOG_FORMAT=log_format)

    if library:
        logging.getLogger("crafter.test").info(FORGED, extra={"agent": FORGED})
    else:
        structlog.get_logger().info(FORGED, agent=FORGED, nested=[FORGED])

    assert len(stream.getvalue().splitlines()) == 1
    assert stream.getvalue().removesuffix("\n").isprintable()


def test_a_traceback_on_a_terminal_keeps_its_lines_but_not_its_escape_sequences(configure: Configure) -> None:
    stream = configure(CRAFTER_LOG_FORMAT="console")

    try:
        raise RuntimeError("\x1b[2J")
    except RuntimeError:
        structlog.get_logger().exception("run_failed")

    assert "\x1b" not in stream.getvalue()
    assert stream.getvalue().splitlines()[-1] == "RuntimeError: \\x1b[2J"


def test_automatic_format_is_readable_on_a_terminal_and_json_elsewhere(configure: Configure) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    elsewhere, terminal = configure(), Terminal()
    structlog.get_logger().info("event")
    configure_logging(load_settings({}), terminal)
    structlog.get_logger().info("event")

    assert lines(elsewhere)[0]["event"] == "event"
    assert not terminal.getvalue().startswith("{")
    assert "event" in terminal.getvalue()


@pytest.mark.parametrize(
    ("level", "expected"),
    [("debug", ["d", "i", "w", "dd", "ww"]), ("info", ["i", "w", "ww"]), ("error", [])],
)
def test_the_level_is_that_of_the_settings(configure: Configure, level: str, expected: list[str]) -> None:
    stream = configure(CRAFTER_LOG_LEVEL=level)
    log, library = structlog.get_logger(), logging.getLogger("crafter.test")

    log.debug("d")
    log.info("i")
    log.warning("w")
    library.debug("dd")
    library.warning("ww")

    assert [line["event"] for line in lines(stream)] == expected


def test_debugging_us_does_not_make_libraries_write_what_they_send(configure: Configure) -> None:
    stream = configure(CRAFTER_LOG_LEVEL="debug")

    logging.getLogger("pymongo.command").debug('{"find": "users", "filter": {"email": "a@b.c"}}')
    logging.getLogger("httpx2").info("HTTP Request: POST https://api.example/?key=hunter2")
    logging.getLogger("some.library").debug("details")

    assert stream.getvalue() == ""


def test_numbers_that_json_does_not_know_are_written_as_text(configure: Configure) -> None:
    stream = configure()

    structlog.get_logger().info("event", rate=float("nan"), most=[float("inf")])

    [line] = [json.loads(text, parse_constant=pytest.fail) for text in stream.getvalue().splitlines()]
    assert (line["rate"], line["most"]) == ("nan", ["inf"])


def test_a_log_that_cannot_be_written_fails_nobody() -> None:
    class Full(io.StringIO):
        def write(self, _text: str) -> int:
            raise OSError(28, "No space left on device")

    before = structlog.get_config()
    configure_logging(load_settings({}), Full())
    try:
        structlog.get_logger().info("event")
    finally:
        structlog.configure(**before)
