"""From a web page to its title and its readable text, with the parser of the standard library."""

import re
import time
from html.parser import HTMLParser
from typing import NamedTuple

MAX_SECONDS = 2.0
"""How long a page may take; of one that is made to take longer, what was read until then is the text."""

_PIECE = 4_096
_TITLE_LENGTH = 300
# fmt: off
_SKIPPED = frozenset(
    {
        "audio", "canvas", "datalist", "dialog", "footer", "iframe", "math", "menu", "nav", "noscript",
        "object", "script", "select", "style", "svg", "template", "textarea", "video",
    }
)
_CONTENT = frozenset({"article", "main"})
_BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "body", "br", "caption", "center", "dd", "details",
        "div", "dl", "dt", "fieldset", "figcaption", "figure", "form", "h1", "h2", "h3", "h4", "h5", "h6",
        "header", "hgroup", "hr", "li", "main", "ol", "option", "p", "pre", "section", "summary", "table",
        "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
    }
)
# fmt: on
_SPACE = re.compile(r"\s+")


class Page(NamedTuple):
    """What a page says. Every line is a paragraph, a heading, an item of a list or a cell of a table."""

    title: str
    text: str


def read_page(html: str, length: int) -> Page:
    """The page, with about as many characters of text as are wanted; never fails."""
    reader = _Reader()
    html += "\n"  # the parser waits for the end of what may be a character reference
    ends_at = time.monotonic() + MAX_SECONDS
    for start in range(0, len(html), _PIECE):
        reader.feed(html[start : start + _PIECE])
        if reader.length > length or time.monotonic() > ends_at:
            break
    # Not closed: what is left open at the end would be read again and again.
    lines = (_SPACE.sub(" ", line).strip() for line in "".join(reader.pieces).split("\n"))
    title = _SPACE.sub(" ", "".join(reader.title)).strip()
    return Page(title[:_TITLE_LENGTH], "\n".join(filter(None, lines))[:length])


class _Reader(HTMLParser):
    """Collects the text outside of what is no text, or no part of what the page is about."""

    def __init__(self) -> None:
        super().__init__()
        self.title: list[str] = []
        self.pieces: list[str] = []
        self.length = 0
        self._skipped: str | None = None
        self._depth = 0
        self._titles = 0
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - not ours
        if self._skipped is not None and tag in _CONTENT:
            self._skipped = None  # an element that was never closed
        if self._skipped is not None:
            self._depth += tag == self._skipped
        elif tag in _SKIPPED:
            self._skipped, self._depth = tag, 1
        elif tag == "title":
            self._in_title = not self._titles
            self._titles += 1
        elif tag in _BLOCKS:
            self._in_title = False
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if self._skipped is not None:
            self._depth -= tag == self._skipped
            if self._depth == 0:
                self._skipped = None
        elif tag == "title":
            self._in_title = False
        elif tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if self._skipped is not None:
            return
        text = _SPACE.sub(" ", data)
        if self._in_title:
            self.title.append(text)
        else:
            self.pieces.append(text)
            self.length += len(text)

    def parse_marked_section(self, i: int, report: int = 1) -> int:  # noqa: ARG002 - the signature is inherited
        """Like browsers, a comment; the inherited one fails for sections that it does not know."""
        return self.parse_bogus_comment(i)
