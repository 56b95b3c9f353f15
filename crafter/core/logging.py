"""Structured logs: one line per event, with the id of the request it belongs to, and never a secret."""

import json
import logging
import math
import re
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, TextIO

import structlog
from structlog.contextvars import get_contextvars, merge_contextvars
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_logger_name
from structlog.typing import EventDict, Processor

from crafter.core.config import Settings

MASK = "***"

_ENCODER = json.JSONEncoder(default=str)

_MAX_DEPTH = 8
_WORD_BREAK = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SECRET_KEY = re.compile(
    r"passw(or)?d|passphrase|secret|token(?!s|_?count)|authorization|cookie|credential|api_?key|(^|_)keys?$"
)
_URI_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]+(?=@)")
_SHOWN_INPUT = re.compile(r"(?<=input_value=).*(?=, input_type=)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

# They write every request or command they send, with its values, where we write what happened once.
_TALKATIVE = {"pymongo": logging.INFO, "httpx2": logging.WARNING, "httpcore2": logging.WARNING}


def configure_logging(settings: Settings, stream: TextIO | None = None) -> None:
    """Send all logs, ours and those of the standard library, to ``stream`` (standard error).

    As JSON lines, or readable lines on a terminal. Safe to call again: the last call counts.
    """
    stream = stream or sys.stderr
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    console = settings.log_format == "console" or (settings.log_format == "auto" and stream.isatty())
    shared: list[Processor] = [
        merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _render_exception,
        mask_secrets,
    ]
    finish: list[Processor] = [_escape_control_characters, _console(stream)] if console else [_render_json]
    lines = _Lines(stream)
    structlog.configure(
        processors=[*shared, *finish],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[add_logger_name, ExtraAdder(), _drop_colors, *shared],
            processors=[ProcessorFormatter.remove_processors_meta, *finish],
        )
    )
    _route_standard_library(handler, level)


class _Lines:
    """Where finished lines go. A service outlives its log: a full disk or a closed pipe fails no request."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()

    debug = info = warning = error = critical = msg


def current_request_id() -> str | None:
    """The id of the request that the running task serves, or None outside of requests."""
    found = get_contextvars().get("request_id")
    return found if isinstance(found, str) else None


def mask_secrets(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Hide the values of fields with secret-looking names, credentials in URIs, and inputs Pydantic shows."""
    return {key: _masked(key, value, 0) for key, value in event.items()}


def _masked(key: str, value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if _is_secret(key):
        return MASK
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping) and depth < _MAX_DEPTH:
        return {str(name): _masked(str(name), item, depth + 1) for name, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)) and depth < _MAX_DEPTH:
        return [_masked("", item, depth + 1) for item in value]
    return _masked_text(value if isinstance(value, str) else str(value))


def _masked_text(text: str) -> str:
    if "://" in text:
        text = _URI_CREDENTIALS.sub(MASK, text)
    return _SHOWN_INPUT.sub(MASK, text) if "input_value=" in text else text


@lru_cache(maxsize=1024)
def _is_secret(key: str) -> bool:
    words = _WORD_BREAK.sub("_", key).lower().replace("-", "_").replace(".", "_")
    return _SECRET_KEY.search(words) is not None


def _drop_colors(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """uvicorn adds its message a second time, with escape sequences."""
    event.pop("color_message", None)
    return event


def _render_exception(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """``exc_info`` as text under ``exception``, before the masking."""
    info = event.pop("exc_info", None)
    if isinstance(info, tuple):
        info = info[1]
    elif info and not isinstance(info, BaseException):
        info = sys.exc_info()[1]
    if isinstance(info, BaseException):
        event["exception"] = "".join(traceback.format_exception(info)).rstrip()
    return event


def _render_json(_logger: Any, _method: str, event: EventDict) -> str:
    """ASCII only: no line break of any script gets through, and nothing fails to encode."""
    return _ENCODER.encode(event)


def _escape_control_characters(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """On a terminal a line break or an escape sequence in a value must not pass for a line of ours."""
    for key, value in event.items():
        if key == "exception":
            event[key] = "\n".join(_escaped(line) for line in value.split("\n"))
        elif isinstance(value, str):
            event[key] = _escaped(value)
    return event


def _escaped(text: str) -> str:
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def _console(stream: TextIO) -> Processor:
    return ConsoleRenderer(colors=stream.isatty(), exception_formatter=plain_traceback)


def _route_standard_library(handler: logging.Handler, level: int) -> None:
    """One handler at the root for every library; debugging is about our own loggers, not theirs."""
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(level, logging.INFO))
    logging.getLogger("crafter").setLevel(level)
    for name, least in _TALKATIVE.items():
        logging.getLogger(name).setLevel(max(level, least))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = name != "uvicorn.access"  # its lines have the query, and so what may be secret
