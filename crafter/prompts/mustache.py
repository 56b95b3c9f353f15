"""Mustache templates, rendered as mustache.js 4.2 does, and safe to take from anybody.

Nothing is ever evaluated: names reach into JSON values, and no further. What is inserted is not read as a template
again. There are no partials (``{{>name}}`` renders nothing) and no lambdas. Parsing and rendering take time in
proportion to the text, and end at the limits below. Other than in mustache.js, ``null`` in a list has no fields
instead of failing, the characters of a string are no fields of it, and integers keep all their digits.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import isfinite, isnan
from typing import Any, Final, NamedTuple, TypeAlias

from crafter.prompts.errors import InvalidTemplate, RenderingTooLarge

MAX_TEMPLATE_BYTES = 256 * 1024
MAX_OUTPUT_BYTES = 1024 * 1024
MAX_NESTING = 64
"""Sections within sections, and lists within lists."""

MAX_TAGS = 10_000
MAX_STEPS = 50_000
"""Pieces of text and tags that are rendered, turns of loops, and contexts in which a name is looked for."""

# What JavaScript takes for white space; Python's idea of it differs.
_SPACE = (
    "\t\n\v\f\r \u00a0\u1680"
    + "".join(map(chr, range(0x2000, 0x200B)))
    + "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
_SPACES = re.compile(f"[{_SPACE}]*")
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_ESCAPES = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        "'": "&#39;",
        "/": "&#x2F;",
        "`": "&#x60;",
        "=": "&#x3D;",
    }
)
_INTERPOLATIONS = {"name", "{", "&"}
_NOTHING: Final = object()

Path: TypeAlias = tuple[str, ...]
Node: TypeAlias = "str | Variable | Section"


@dataclass(frozen=True, slots=True)
class Variable:
    """A tag that a value takes the place of; escaped for HTML, unless it is ``raw``."""

    path: Path
    raw: bool


@dataclass(frozen=True, slots=True)
class Section:
    """A part that is rendered once, for each item of a list, or not at all."""

    path: Path
    inverted: bool
    body: list[Node] = field(default_factory=list)


class _Token(NamedTuple):
    """Literal text that does not go on after the end of a line, or a tag with its sigil as the kind."""

    kind: str
    value: str
    start: int


@dataclass(frozen=True, slots=True)
class _Context:
    """A value in which names are looked up, and the ones around it."""

    value: Any
    parent: "_Context | None" = None


def render(template: str, values: Mapping[str, Any]) -> str:
    """The template filled in; what is missing is empty. Raises InvalidTemplate and RenderingTooLarge."""
    rendering = _Rendering()
    rendering.render(parse(template), _Context(values))
    return rendering.text()


def parse(template: str) -> list[Node]:
    """The parts of a template. Raises InvalidTemplate, which tells the position."""
    if _size(template) > MAX_TEMPLATE_BYTES:
        raise InvalidTemplate("The template is larger than 256 KiB")
    root: list[Node] = []
    bodies = [root]
    openings: list[_Token] = []
    for token in _without_standalone_lines(template):
        if token.kind == "text":
            bodies[-1].append(token.value)
        elif token.kind in _INTERPOLATIONS:
            bodies[-1].append(Variable(_path(token.value), raw=token.kind != "name"))
        elif token.kind in "#^":
            if len(openings) == MAX_NESTING:
                raise _invalid(f"Sections are nested deeper than {MAX_NESTING} levels", template, token.start)
            section = Section(_path(token.value), inverted=token.kind == "^")
            bodies[-1].append(section)
            bodies.append(section.body)
            openings.append(token)
        elif token.kind == "/":
            _check_closing(template, openings.pop() if openings else None, token)
            bodies.pop()
    if openings:
        raise _invalid(f'Unclosed section "{openings[-1].value}"', template, openings[-1].start)
    return root


def free_names(template: str) -> list[str]:
    """The names of the variables outside of all sections, each once. Raises InvalidTemplate."""
    names = (node.path[0] for node in parse(template) if isinstance(node, Variable))
    return list(dict.fromkeys(name for name in names if name not in ("", ".")))


class _Rendering:
    """One text as it grows."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._room = MAX_OUTPUT_BYTES
        self._steps = MAX_STEPS

    def text(self) -> str:
        """What was rendered. Raises RenderingTooLarge."""
        text = "".join(self._pieces)
        if _size(text) > MAX_OUTPUT_BYTES:
            raise RenderingTooLarge
        return text

    def render(self, body: Sequence[Node], context: _Context) -> None:
        """Add a body. Raises RenderingTooLarge."""
        for node in body:
            self._step()
            if isinstance(node, str):
                self._write(node)
            elif isinstance(node, Section):
                self._render_section(node, context)
            else:
                text = _text(self._look_up(node.path, context))
                self._write(text if node.raw or len(text) > self._room else text.translate(_ESCAPES))

    def _render_section(self, section: Section, context: _Context) -> None:
        value = self._look_up(section.path, context)
        if section.inverted:
            if not _is_true(value) or (isinstance(value, list) and not value):
                self.render(section.body, context)
        elif isinstance(value, list):
            for item in value:
                self._step()
                self.render(section.body, _Context(item, context))
        elif value is True:
            self.render(section.body, context)
        elif _is_true(value):
            self.render(section.body, _Context(value, context))

    def _look_up(self, path: Path, context: _Context) -> Any:
        """The value at a path in the innermost context that has the whole of it, or None."""
        if path == (".",):
            return context.value
        place: _Context | None = context
        while place is not None:
            self._step()
            value = _reach(place.value, path)
            if value is not _NOTHING:
                return value
            place = place.parent
        return None

    def _step(self) -> None:
        self._steps -= 1
        if self._steps < 0:
            raise RenderingTooLarge(f"The template takes more than {MAX_STEPS} steps to render")

    def _write(self, text: str) -> None:
        self._room -= len(text)
        if self._room < 0:
            raise RenderingTooLarge
        self._pieces.append(text)


def _without_standalone_lines(template: str) -> Iterator[_Token]:
    """The tokens of a template, without the white space of lines that hold nothing but tags that show nothing."""
    line: list[_Token] = []
    for token in _tokens(template):
        line.append(token)
        if token.kind == "text" and token.value.endswith("\n"):
            yield from _shown(line)
            line = []
    yield from _shown(line)


def _shown(line: Sequence[_Token]) -> Sequence[_Token]:
    texts = [token for token in line if token.kind == "text"]
    plain = len(texts) == len(line)
    if plain or any(t.kind in _INTERPOLATIONS or (t.kind == "text" and not _is_blank(t.value)) for t in line):
        return line
    return [token for token in line if token.kind != "text"]


def _tokens(template: str) -> Iterator[_Token]:
    opening, closing = "{{", "}}"
    position = tags = 0
    while True:
        start = template.find(opening, position)
        end = len(template) if start < 0 else start
        yield from _texts(template, position, end)
        if start < 0:
            return
        if (tags := tags + 1) > MAX_TAGS:
            raise InvalidTemplate(f"The template has more than {MAX_TAGS} tags")
        tag, position = _read_tag(template, start, opening, closing)
        if tag.kind == "=":
            opening, closing = _delimiters(template, tag)
        yield tag


def _texts(template: str, start: int, end: int) -> Iterator[_Token]:
    """The text between two tags: to the end of its first line, the lines that have no tags, the last line."""
    first = template.find("\n", start, end) + 1 or end
    last = max(template.rfind("\n", first, end) + 1, first)
    for begin, stop in ((start, first), (first, last), (last, end)):
        if begin < stop:
            yield _Token("text", template[begin:stop], begin)


def _read_tag(template: str, start: int, opening: str, closing: str) -> tuple[_Token, int]:
    """The tag that opens at ``start``, and the position behind it."""
    position = _skip_spaces(template, start + len(opening))
    sigil = template[position : position + 1]
    kind = sigil if sigil and sigil in "#^/>{&=!" else "name"
    if kind != "name":
        position = _skip_spaces(template, position + 1)
    if kind == "{":
        end = template.find("}" + closing, position)
        close = end + 1
    elif kind == "=":
        end = template.find("=", position)
        close = template.find(closing, end + 1)
    else:
        end = close = template.find(closing, position)
    if end < 0 or close < 0:
        raise _invalid("Unclosed tag", template, start)
    return _Token(kind, template[position:end].rstrip(_SPACE), start), close + len(closing)


def _delimiters(template: str, tag: _Token) -> tuple[str, str]:
    parts = re.split(f"[{_SPACE}]+", tag.value)
    if len(parts) < 2:
        raise _invalid("Invalid delimiters", template, tag.start)
    return parts[0], parts[1]


def _check_closing(template: str, opening: _Token | None, closing: _Token) -> None:
    if opening is None:
        raise _invalid(f'Unopened section "{closing.value}"', template, closing.start)
    if opening.value != closing.value:
        raise _invalid(f'Unclosed section "{opening.value}"', template, opening.start)


def _invalid(what: str, template: str, position: int) -> InvalidTemplate:
    line = template.count("\n", 0, position) + 1
    column = position - template.rfind("\n", 0, position)
    return InvalidTemplate(f"{what[:200]} at line {line}, column {column}", position=position)


def _path(name: str) -> Path:
    """The steps to a value. A name that begins with a dot is one step; nothing but ``.`` is called so."""
    return tuple(name.split(".")) if name.find(".") > 0 else (name,)


def _reach(value: Any, path: Path) -> Any:
    """What is at a path within a value, or _NOTHING."""
    for step in path:
        if isinstance(value, Mapping):
            value = value.get(step, _NOTHING)
        elif isinstance(value, list):
            value = _item(value, step)
        elif isinstance(value, str) and step == "length" and len(path) > 1:
            value = len(value)
        else:
            return _NOTHING
    return value


def _item(values: list[Any], step: str) -> Any:
    if step == "length":
        return len(values)
    if _INDEX.fullmatch(step) and int(step) < len(values):
        return values[int(step)]
    return _NOTHING


def _is_true(value: Any) -> bool:
    """JavaScript's idea of it: objects and arrays are true, also empty ones."""
    if isinstance(value, Mapping | list):
        return True
    return bool(value) and value == value


def _text(value: Any, depth: int = 0) -> str:
    """The value as JavaScript makes text of it. Raises RenderingTooLarge for lists that are nested too deeply."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, list):
        if depth == MAX_NESTING:
            raise RenderingTooLarge(f"Lists are nested deeper than {MAX_NESTING} levels")
        return ",".join(_text(item, depth + 1) for item in value)
    return "[object Object]"


def _number(value: float) -> str:
    """The shortest digits that mean this number, with an exponent where JavaScript writes one."""
    if not isfinite(value):
        return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "0"
    shortest = repr(value)
    if 1e-6 <= abs(value) < 1e21:
        return f"{Decimal(shortest).normalize():f}"
    mantissa, _, exponent = shortest.partition("e")
    return f"{mantissa}e{int(exponent):+d}"


def _skip_spaces(template: str, position: int) -> int:
    match = _SPACES.match(template, position)
    assert match is not None
    return match.end()


def _is_blank(text: str) -> bool:
    return not text.strip(_SPACE)


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
