"""The files of the chat widget, as other sites embed them."""

from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from crafter.core.config import ConfigurationError, load_settings
from crafter.core.runtime import Runtime

WIDGET = "http://crafter.test/widget"
SCRIPTS = ("chat-widget.js", "chat-widget.umd.js", "chat-widget.min.js")

UseDirectory = Callable[[Path | None], None]


@pytest.fixture
def use_directory(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> UseDirectory:
    """Has the service offer the files of a directory."""

    def use(directory: Path | None) -> None:
        changed = runtime.settings.model_copy(update={"widget_dir": directory})
        monkeypatch.setattr(runtime, "settings", changed)

    return use


@pytest.fixture
def directory(tmp_path: Path, use_directory: UseDirectory) -> Path:
    """A directory with every file of the widget, and something else."""
    folder = tmp_path / "dist"
    folder.mkdir()
    for script in SCRIPTS:
        (folder / script).write_text(f"/* {script} ü */")
        (folder / f"{script}.map").write_text(f'{{"file": "{script}"}}')
    (folder / "private.js").write_text("canary")
    (tmp_path / "secret.txt").write_text("canary")
    use_directory(folder)
    return folder


@pytest.mark.parametrize("name", [*SCRIPTS, *(f"{script}.map" for script in SCRIPTS)])
async def test_a_file_is_sent_as_it_is(as_nobody: httpx2.AsyncClient, directory: Path, name: str) -> None:
    response = await as_nobody.get(f"{WIDGET}/{name}")

    assert response.status_code == 200
    assert response.content == (directory / name).read_bytes()
    assert response.headers["content-type"] == "application/javascript; charset=utf-8"
    assert response.headers["cache-control"] == "public, max-age=3600"
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["cross-origin-resource-policy"] == "cross-origin"
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ["latest.js", "LATEST.js", "Chat-Widget.MIN.js/"])
async def test_the_minified_script_has_other_names(
    as_nobody: httpx2.AsyncClient, directory: Path, name: str
) -> None:
    response = await as_nobody.get(f"{WIDGET}/{name}")

    assert response.content == (directory / "chat-widget.min.js").read_bytes()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "private.js",
        "latest.js.map",
        "chat-widget.js.map.map",
        "..%2fsecret.txt",
        "%2e%2e/secret.txt",
        "../secret.txt",
        "..%5csecret.txt",
        "%2fetc%2fpasswd",
        "//etc/passwd",
        "chat-widget.js%00.map",
        "chat-widget.js/../private.js",
        ".",
        "%C5%BFchat-widget.js",
    ],
)
async def test_nothing_else_of_the_disk_can_be_read(
    as_nobody: httpx2.AsyncClient, directory: Path, name: str
) -> None:
    response = await as_nobody.get(f"{WIDGET}/{name}")

    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert "canary" not in response.text


async def test_what_is_not_in_the_directory_is_not_there(
    as_nobody: httpx2.AsyncClient, directory: Path
) -> None:
    (directory / "chat-widget.js").unlink()
    (directory / "chat-widget.umd.js").unlink()
    (directory / "chat-widget.umd.js").mkdir()

    for name in ("chat-widget.js", "chat-widget.umd.js"):
        response = await as_nobody.get(f"{WIDGET}/{name}")

        assert (response.status_code, response.json()["code"]) == (404, "WIDGET_FILE_NOT_FOUND")


@pytest.mark.parametrize("configured", [False, True])
async def test_without_a_directory_nothing_is_there(
    as_nobody: httpx2.AsyncClient, use_directory: UseDirectory, tmp_path: Path, configured: bool
) -> None:
    use_directory(tmp_path / "gone" if configured else None)

    response = await as_nobody.get(f"{WIDGET}/latest.js")

    assert response.status_code == 404


@pytest.mark.parametrize("tags", ["{etag}", "W/{etag}", '"other", {etag}', "*"])
async def test_a_caller_that_knows_a_file_is_not_sent_it_again(
    as_nobody: httpx2.AsyncClient, directory: Path, tags: str
) -> None:
    etag = (await as_nobody.get(f"{WIDGET}/latest.js")).headers["etag"]

    response = await as_nobody.get(f"{WIDGET}/latest.js", headers={"If-None-Match": tags.format(etag=etag)})

    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["etag"] == etag
    assert response.headers["cache-control"] == "public, max-age=3600"
    assert response.headers["access-control-allow-origin"] == "*"


async def test_a_file_that_was_replaced_is_sent_anew(as_nobody: httpx2.AsyncClient, directory: Path) -> None:
    first = await as_nobody.get(f"{WIDGET}/chat-widget.js")
    (directory / "chat-widget.js").write_text("/* newer, and longer than before */")

    second = await as_nobody.get(f"{WIDGET}/chat-widget.js", headers={"If-None-Match": first.headers["etag"]})

    assert second.status_code == 200
    assert second.text == "/* newer, and longer than before */"
    assert second.headers["etag"] != first.headers["etag"]


async def test_the_head_of_a_file_is_that_of_the_file(as_nobody: httpx2.AsyncClient, directory: Path) -> None:
    got = await as_nobody.get(f"{WIDGET}/latest.js")

    head = await as_nobody.head(f"{WIDGET}/latest.js")

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(got.content))
    assert head.headers["etag"] == got.headers["etag"]


def test_a_directory_that_is_none_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="CRAFTER_WIDGET_DIR: is not a directory"):
        load_settings({"CRAFTER_WIDGET_DIR": str(tmp_path / "missing")})

    assert load_settings({"CRAFTER_WIDGET_DIR": str(tmp_path)}).widget_dir == tmp_path
