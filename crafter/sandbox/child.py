"""The process that runs the code. It locks itself in, then compiles and runs.

From standard input it reads ``{"source", "arguments", "limits"}``. Once it is locked in it says ``ready`` on standard
output, and then the JSON of what ``run(arguments)`` returned. What the code prints goes to standard error. It exits
with 1 where the code failed, and before ``ready`` where the machine does not give the guarantees.
"""

import base64
import binascii
import bisect
import calendar
import collections
import collections.abc
import copy
import csv
import dataclasses
import datetime
import decimal
import difflib
import enum
import fractions
import functools
import hashlib
import heapq
import hmac
import html
import io
import itertools
import json
import math
import operator
import os
import random
import re
import statistics
import string
import struct
import sys
import textwrap
import time
import traceback
import types
import typing
import unicodedata
import urllib.parse
import uuid
from typing import Any, NoReturn

from crafter.sandbox.lock import CannotLock, lock_in

# Nothing can be imported later, since nothing can be opened then: these are the modules that tools can use.
OFFERED = (
    *(base64, binascii, bisect, calendar, collections, collections.abc, copy, csv, dataclasses, datetime),
    *(decimal, difflib, enum, fractions, functools, hashlib, heapq, hmac, html, io, itertools, json, math),
    *(operator, random, re, statistics, string, struct, textwrap, time, types, typing, unicodedata),
    *(urllib.parse, uuid),
)

_FILE_NAME = "<tool>"
_SHOWN_FRAMES = 5
_STDOUT, _STDERR = 1, 2


def main() -> NoReturn:
    """Read the job, lock the door, do the job; nothing is cleaned up, since the end takes everything along."""
    job = json.load(sys.stdin)
    traceback.TracebackException.from_exception(ValueError())  # imports what a failure will need
    try:
        lock_in(**job["limits"])
    except (CannotLock, OSError, ValueError) as error:
        os.write(_STDERR, str(error).encode())
        os._exit(1)
    _write(b"ready\n")
    sys.stdout = sys.stderr
    try:
        answer = _answer(job["source"], job["arguments"])
    except BaseException as error:  # noqa: BLE001 - the process ends here: what the code raised is told, and no more
        sys.stderr.write("".join(_told(error)))
        sys.stderr.flush()
        os._exit(1)
    sys.stderr.flush()
    _write(answer)
    os._exit(0)


def _answer(source: str, arguments: dict[str, Any]) -> bytes:
    namespace: dict[str, Any] = {"__name__": "__tool__"}
    exec(compile(source, _FILE_NAME, "exec"), namespace)  # noqa: S102 - what all of this is for
    run = namespace.get("run")
    if not callable(run):
        raise TypeError("the code must define a function run(arguments)")
    return json.dumps(run(arguments), allow_nan=False).encode()


def _told(error: BaseException) -> list[str]:
    """The failure as people who write Python know it, without the frames of ours."""
    told = traceback.TracebackException.from_exception(error, limit=-_SHOWN_FRAMES)
    frames = [frame for frame in told.stack if frame.filename == _FILE_NAME]
    lines = traceback.StackSummary.from_list(frames).format() if frames else []
    return [*lines, *told.format_exception_only()]


def _write(data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(_STDOUT, rest) :]
