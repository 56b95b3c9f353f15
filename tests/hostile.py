"""What a hostile caller sends: values, texts and bodies that have broken services like this one."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from crafter.edge.strict_json import MAX_DEPTH, MAX_VALUES
from tests.operations import BodyField
from tests.wire import Json

MIB = 1024 * 1024

OPERATORS: tuple[Json, ...] = (
    {"$ne": None},
    {"$gt": ""},
    {"$regex": "^v"},
    {"$where": "sleep(1000)"},
    {"$in": ["a"]},
    ["a"],
)
"""What would be a query where a service hands values on to the database."""

NO_JSON: Mapping[str, str] = {
    "NaN": "NaN",
    "Infinity": "Infinity",
    "-Infinity": "-Infinity",
    "a number beyond the doubles": "1e400",
    "2 to the 63": str(2**63),
    "less than int64": str(-(2**63) - 1),
    "an integer of 5,000 digits": "9" * 5_000,
    "half a surrogate pair": r'"\ud800"',
    "half a surrogate pair as a key": r'{"\udfff": 1}',
    "NUL": r'"a\u0000b"',
    "NUL in a key": r'{"a\u0000b": 1}',
    "a key twice": '{"a": 1, "a": 2}',
    "too deep": "[" * MAX_DEPTH + "]" * MAX_DEPTH,
    "150 deep": "[" * 150 + "]" * 150,
    "900 deep": '{"a":' * 900 + "1" + "}" * 900,
    "5,000 deep": "[" * 5_000 + "]" * 5_000,
    "100,000 deep": "[" * 100_000 + "]" * 100_000,
    "a comment": "/**/ 1",
    "a control character": '"a\nb"',
    "a trailing comma": "[1,]",
    "single quotes": "'a'",
}
"""Texts that no field of any body may hold, whatever its type: never JSON, or JSON that we do not take."""

WRONG: Mapping[str, tuple[Json, ...]] = {
    "string": (*OPERATORS, {}, 1, 1.5, True),
    "integer": (*OPERATORS, {}, [], "x", "", "1 or 1", 1.5, "1.5", 10**18, -(10**18)),
    "number": (*OPERATORS, {}, [], "x", "", "NaN", "Infinity", 1e308, -1e308, "1e400"),
    "boolean": (*OPERATORS, {}, [], "maybe", "", 2, -1, 1.5),
    "array": (
        *OPERATORS[:-1],
        {},
        "a",
        "[]",
        1,
        True,
        [["a"]],
    ),
    "object": (["a"], [], [{}], [[]], "a", "{}", 1, 0, True, False),
}
"""Values that a field of each of JSON's types must refuse."""

ATTEMPTS = max(map(len, WRONG.values()))
FITS: Final = object()

_PYTHON: Mapping[str, tuple[type[Any], ...]] = {
    "string": (str,),
    "integer": (int, str),
    "number": (int, float, str),
    "boolean": (bool, int, str),
    "array": (list,),
    "object": (dict,),
}
"""What may be meant for a field of each type: numbers and truth values also come as text."""

TEXTS: tuple[str, ...] = (
    "",
    " ",
    "\t\n",
    "$where",
    "$ne",
    "a.b",
    "..",
    "../../etc/passwd",
    "C:\\nul",
    "null",
    "undefined",
    "__proto__",
    "constructor",
    '{"$ne": null}',
    "' OR '1'='1",
    "'; db.users.drop(); //",
    "*)(uid=*",
    "^(a+)+$",
    "(?R)",
    "[",
    "\\",
    "%00",
    "%s%n",
    "{{7*7}}",
    "${7*7}",
    "{0.__class__}",
    "<script>alert(1)</script>",
    "\r\nSet-Cookie: a=b",
    "\x01\x1f\x7f",
    "\u0085\u2028\u2029",
    "\ufeff",
    "\u202ea\u200b",
    "e\u0301" * 20,
    "ł",
    "ß",
    "İ",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467",
    "\U0010ffff",
    "\ufffe\uffff",
    "ｖictim@example.com",
    "vıctim@example.com",
    "a@b",
    "a@" + "b." * 200 + "com",
    '"a b"@example.com',
    "a@[127.0.0.1]",
    "http://127.0.0.1/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://user:pass@example.com:99999/",
    "https://ex ample.com",
    "https://[",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "0",
    "-1",
    "1e999",
    "0x10",
    "１２",
    "9" * 400,
    "2026-02-30",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+23:59",
    "2026-01-01T00:00:60Z",
    "x" * 65,
    "x" * 10_000,
    "\U0001f600" * 5_000,
)
"""Texts that are legal JSON: a field may take or refuse them, but nothing may break."""

NUMBERS: tuple[Json, ...] = (
    *(0, -1, -0.0, 1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63)),
    *(5e-324, 1e-7, 0.1 + 0.2, 1e15, 1e22, 1.7976931348623157e308),
)

OBJECTS: tuple[Json, ...] = (
    *(
        {},
        {"": 1},
        {"$set": {"role": "admin"}},
        {"a.b": 1},
        {"$ref": "users", "$id": "a"},
        {"__proto__": {"a": 1}},
    ),
    *({"a": {"b": [{"$where": "1"}]}}, {"toString": "a", "constructor": {}}, {"\u2028": None, "ł": [[], {}]}),
    *({"a": NUMBERS}, {str(n): n for n in range(1_000)}, {"a": "x" * 60_000}, {"x" * 5_000: 1}),
)
"""Objects with keys that mean something elsewhere."""

SEGMENTS: tuple[str, ...] = (
    *("%00", "a%00b", "%FF%FE", "%ED%A0%80", "%EF%BF%BF", "x" * 65, "x" * 3_000, "%20", "%09"),
    *("%2e%2e", "..%2F..%2Fetc", "a%2Fb", "%5C", "$ne", "%24ne", "a.b", "*", "%25", "%"),
    *("%7B%22%24ne%22%3Anull%7D", "a[$ne]", "'%20OR%20'1'='1", "null", "undefined", "NaN", "0", "-1"),
    *("9" * 30, "%C5%82", "%0d%0aSet-Cookie:a=b", "^(a+)+$", "true", ":archive", "a:transfer", "{agent_id}"),
)
"""Path segments that are nobody's id."""

QUERY_TEXTS: tuple[str, ...] = (
    *("%00", "a%00b", "%FF%FE", "%ED%A0%80", "%", "%zz", "%7B%22%24ne%22%3Anull%7D", "%5B%22a%22%5D"),
    *(
        str(2**63),
        "-1",
        "9" * 5_000,
        "1e400",
        "NaN",
        "-",
        "%5E(a%2B)%2B%24",
        "x" * 5_000,
        "%C5%82",
        "%0d%0aa:b",
    ),
)
"""Values in a query string, as they stand there."""

OBJECT_IN_QUERY = ("[$ne]=1", "[$gt]=", "[$regex]=.*", "[]=a", "[a][b]=c", "%5B%24ne%5D=1")
"""How a query string spells an object or a list."""

TOKENS: tuple[str, ...] = (
    *("", " ", "Bearer", "Bearer ", "bearer x", "Basic YTpi", "Bearer null", "Bearer undefined", "Bearer {}"),
    *("Bearer ' OR '1'='1", 'Bearer {"$ne":null}', "Bearer \x01\xff", "Bearer " + "x" * MIB, "Bearer a.b.c"),
    "Bearer eyJhbGciOiJub25lIn0.eyJ1c2VySWQiOiJhIiwiaWF0IjoxLCJleHAiOjQxMDI0NDQ4MDB9.",
)
"""What is no credential."""

REVISIONS: tuple[str, ...] = (
    *(
        "",
        "0",
        '"',
        '"0',
        '""',
        '"a"',
        '"-1"',
        '"0.0"',
        '"1e3"',
        '"0", "1"',
        'W/"a"',
        '"99999999999999999999"',
    ),
    *('"999999999999999"', '{"$ne":null}', "\xff", '"\xb2"', "null", '"0"x', "* *"),
)
"""Values of ``If-Match`` that name no revision of anything."""

STOWAWAYS = (
    *(
        "org_id",
        "organization",
        "organization_id",
        "project",
        "project_id",
        "owner",
        "role",
        "user",
        "members",
    ),
    *("_id", "id", "__v", "revision", "createdAt", "created_at", "updatedAt", "updated_at", "lifecycle"),
    *("password", "password_hash", "passwordStrength", "emailVerified", "is_admin", "is_operator", "scopes"),
    *("key", "key_hash", "fingerprint", "last4", "status", "consecutive_failures", "usage", "is_system_tool"),
    *("retired_models", "slot", "created_by", "moved", "seq", "messages", "__proto__", "$set"),
)
"""Fields that only the server may write."""


NO_BODIES: Mapping[str, bytes] = {
    "invalid UTF-8": b'{"name": "\xff\xfe"}',
    "an overlong NUL": b'{"name": "\xc0\x80"}',
    "a surrogate in UTF-8": b'{"name": "\xed\xa0\x80"}',
    "a space": b" ",
    "null": b"null",
    "true": b"true",
    "a number": b"1",
    "a text": b'"a"',
    "a list": b"[]",
    "too many values": b"[" + b"1," * MAX_VALUES + b"1]",
    "100,000 keys": json.dumps(dict.fromkeys(map(str, range(70_000)), 1)).encode(),
}
TOO_LARGE: Mapping[str, bytes] = {
    "more than a mebibyte": b'{"name": "' + b"x" * MIB + b'"}',
    "17 MB": b"[" + b"1," * (17 * MIB // 2) + b"1]",
}


def wrong_value(field: BodyField, attempt: int) -> Json:
    """One of the values that a field must refuse, going by what the document says about it; ``FITS`` if there is none.

    There are ``ATTEMPTS`` of them, some more than once.
    """
    kinds = sorted(field.kinds)
    values = [value for kind in kinds for value in WRONG[kind] if not _fits(value, field.kinds - {kind})]
    return FITS if field.is_free or not values else values[attempt % len(values)]


def too_long(field: BodyField, present: Json) -> Json:
    """A text or a list that is longer than the field takes; ``FITS`` for other fields. ``present`` is what it has."""
    bounds = {"string": ("maxLength", 150_000), "array": ("maxItems", 5_000)}
    if len(field.kinds) != 1 or field.is_free or (kind := min(field.kinds)) not in bounds:
        return FITS
    name, default = bounds[kind]
    length = max(schema.get(name, default) for schema in field.schemas) + 1
    return "x" * length if kind == "string" else (present or [None])[:1] * length


def _fits(value: Json, kinds: frozenset[str]) -> bool:
    return any(isinstance(value, _PYTHON[kind]) for kind in kinds)


def bodies(sample: Json) -> Iterator[tuple[str, bytes, str, int]]:
    """Whole bodies that must be refused: what they are, the bytes, the content type, the status."""
    good = json.dumps(sample).encode()
    for name, text in (*NO_BODIES.items(), ("half an object", good[:-1]), ("two objects", good * 2)):
        yield name, text, "application/json", 400
    for codec in ("utf-8-sig", "utf-16", "utf-32-le"):
        yield codec, good.decode().encode(codec), "application/json", 400
    for name, text in TOO_LARGE.items():
        yield name, text, "application/json", 413
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
        "\xff;=,",
    ):
        yield f"the content type {kind!r}", good, kind, 415
