"""The documentation keeps its word: its samples run, its pages are found, its links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs_samples import ROOT, SHELLS, Sample, UnreadableSample, pages, runnable_samples, samples

_LINK = re.compile(r"\[[^\]]+\]\(([^)#\s]+)[^)]*\)")
PAGE = """\
Text.

```console runnable
$ echo one \\
>   two
one two
$ echo three
```

```json
{}
```

```python
pass
```
"""


def write_page(folder: Path, text: str) -> Path:
    page = folder / "page.md"
    page.write_text(text)
    return page


@pytest.mark.parametrize("sample", runnable_samples("python"), ids=str)
def test_a_python_sample_runs(sample: Sample, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", sample.text],
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr


def test_the_shell_samples_are_valid_scripts() -> None:
    broken = [
        f"{sample}: {done.stderr}"
        for page in pages()
        for sample in samples(page)
        if sample.language in SHELLS
        for done in [subprocess.run(["bash", "-n"], input=sample.commands, capture_output=True, text=True)]
        if done.returncode != 0
    ]

    assert broken == []


def test_the_index_names_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    linked = set(_LINK.findall(index))

    assert {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"} <= linked


def test_links_between_files_lead_somewhere() -> None:
    dead = [
        f"{page.name}: {target}"
        for page in [*pages(), ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
        for target in _LINK.findall(page.read_text())
        if "://" not in target and not (page.parent / target).exists()
    ]

    assert dead == []


def test_samples_are_found_with_their_language_and_their_mark(tmp_path: Path) -> None:
    found = list(samples(write_page(tmp_path, PAGE)))

    assert [(sample.line, sample.language, sample.runnable) for sample in found] == [
        (3, "console", True),
        (10, "json", False),
        (14, "python", False),
    ]


def test_the_commands_of_a_console_sample_are_told_from_their_output(tmp_path: Path) -> None:
    session = next(samples(write_page(tmp_path, PAGE)))

    assert session.commands == "echo one \\\n  two\necho three\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("```python runable\npass\n```\n", "not understood: python runable"),
        ("```json runnable\n{}\n```\n", "not understood: json runnable"),
        ("```python\npass\n", "does not end"),
    ],
)
def test_a_sample_that_would_silently_not_run_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(UnreadableSample, match=reason):
        list(samples(write_page(tmp_path, text)))
