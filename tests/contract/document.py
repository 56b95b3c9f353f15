"""Writes the part of ``docs/compatibility.md`` that tells of every endpoint: ``python -m tests.contract.document``."""

from pathlib import Path

from tests.contract.entries import Entry, Section
from tests.contract.table.whole import OURS, SECTIONS

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"
BEGIN = "<!-- endpoint by endpoint: written by python -m tests.contract.document -->"
END = "<!-- end of endpoint by endpoint -->"
INTRODUCTION = """\
## Endpoint by endpoint

Every endpoint of LLM Crafter, who may call it at least, which of the published clients do (the SDK, the chat widget,
the web UI; or browsers, as pages), and whether its answers are equal, apart from what the tables above say of all
endpoints. A test plays each of them. `:name` stands for an id; paths are below `/api/v1`, but for `/health`,
`/openai` and `/widget`.
"""
WHO = {
    "anybody": "anybody",
    "signed in": "signed in",
    "operator": "operator",
    "key": "key",
    "session": "session",
    "visitor": "session or key",
}


def rows(section: Section) -> list[str]:
    """A line of the table for each endpoint of a section, whatever the number of its cases."""
    told: dict[tuple[str, str], list[Entry]] = {}
    for entry in section.entries:
        told.setdefault(entry.key, []).append(entry)
    return [_row(entries) for entries in told.values()]


def _row(entries: list[Entry]) -> str:
    first = entries[0]
    path = first.path.replace("{", ":").replace("}", "")
    clients = list(dict.fromkeys(client for entry in entries for client in entry.by.split(", ") if client))
    differences = list(dict.fromkeys(entry.differs for entry in entries if entry.differs))
    verdict = "; ".join(differences) or "equal"
    return f"| `{first.method} {path}` | {_who(first.who)} | {', '.join(clients) or '–'} | {verdict} |"


def _who(who: str) -> str:
    scope = who.removeprefix("key:")
    return WHO.get(who) or (f"key `{scope}`" if scope != who else f"{who}")


def document() -> str:
    """The generated part, with its marks."""
    parts = [BEGIN, INTRODUCTION]
    for section in SECTIONS:
        head = "| endpoint | who | clients | equal, or how it differs |\n| --- | --- | --- | --- |"
        number, _, name = section.title.partition(" ")
        parts.append("\n".join([f"### {name} ({number})", "", head, *rows(section), ""]))
    ours = [
        f"| `{method} {path.replace('{', ':').replace('}', '')}` | {what} |"
        for (method, path), what in OURS.items()
    ]
    parts.append("\n".join(["### Added", "", "| endpoint | what it does |", "| --- | --- |", *ours, ""]))
    return "\n".join([*parts, END]) + "\n"


def placed(page: str) -> str:
    """The page with the generated part in its place, or at its end where there is none yet."""
    before, found, rest = page.partition(BEGIN)
    after = rest.partition(END)[2].removeprefix("\n") if found else ""
    return (before if found else f"{page.rstrip()}\n\n") + document() + after


def main() -> None:
    """Write the page."""
    PAGE.write_text(placed(PAGE.read_text()))


if __name__ == "__main__":
    main()
