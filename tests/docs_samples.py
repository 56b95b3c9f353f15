"""The samples of the documentation: fenced blocks, and which of them are to be run.

A sample is run when the word ``runnable`` follows its language: three backticks, then ``python runnable``.
In a ``console`` sample the lines that begin with ``$ `` are commands, and the others are what they print.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
SHELLS = frozenset({"bash", "console"})
LANGUAGES = SHELLS | {"python"}
"""The languages of which samples can be marked to be run."""

_FENCE = "```"
_MARK = "runnable"
_PROMPT = "$ "
_CONTINUED = "> "


class UnreadableSample(ValueError):
    """A fence that says something nobody understands; a misspelt mark would otherwise go unnoticed."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A fenced block: where its fence stands (from 1), its language, and its lines."""

    path: Path
    line: int
    language: str
    runnable: bool
    text: str

    def __str__(self) -> str:
        return f"{self.path.name}:{self.line}"

    @property
    def commands(self) -> str:
        """The script of a shell sample: its commands without prompts and output."""
        if self.language != "console":
            return self.text
        script = []
        for line in self.text.splitlines():
            if line.startswith(_PROMPT):
                script.append(line.removeprefix(_PROMPT))
            elif line.startswith(_CONTINUED) and script and script[-1].endswith("\\"):
                script.append(line.removeprefix(_CONTINUED))
        return "".join(f"{line}\n" for line in script)


def pages(root: Path = ROOT) -> list[Path]:
    """The documentation: the read-me and everything in ``docs``."""
    return [root / "README.md", *sorted((root / "docs").glob("**/*.md"))]


def samples(page: Path) -> Iterator[Sample]:
    """The samples of a page, from top to bottom. Raises UnreadableSample."""
    lines = iter(enumerate(page.read_text().splitlines(), start=1))
    for number, line in lines:
        if not line.startswith(_FENCE):
            continue
        language, runnable = _read_fence(page, number, line.removeprefix(_FENCE))
        text = []
        for _, inner in lines:
            if inner.rstrip() == _FENCE:
                break
            text.append(f"{inner}\n")
        else:
            raise UnreadableSample(f"{page.name}:{number}: the sample does not end")
        yield Sample(page, number, language, runnable, "".join(text))


def runnable_samples(*languages: str) -> list[Sample]:
    """The samples of all pages, in some languages, that are marked to be run."""
    return [
        sample
        for page in pages()
        for sample in samples(page)
        if sample.runnable and sample.language in languages
    ]


def _read_fence(page: Path, number: int, info: str) -> tuple[str, bool]:
    language, *marks = info.split() or [""]
    if marks not in ([], [_MARK]) or (marks and language not in LANGUAGES):
        raise UnreadableSample(f"{page.name}:{number}: not understood: {info.strip()}")
    return language, bool(marks)
