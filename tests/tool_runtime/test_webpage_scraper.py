"""Reading web pages: what is text on them, what is refused, and that no page takes long."""

import dataclasses
import json
import time
from typing import Any

import pytest

from crafter.tool_runtime.html_text import read_page
from tests.fakes.listener import answering, dripping, listening
from tests.fakes.provider import FakeProvider
from tests.fakes.service import FakeService, Said
from tests.tool_runtime.support import Bench

KEY = "canary-tavily-key-0123456789"
TAVILY = {"provider": "tavily", "encrypted_api_key": KEY}
HTML = "text/html; charset=utf-8"
PAGE = """<!DOCTYPE html><html><head><title> News &amp;
 more </title><style>p { color: red }</style><script>if (a < b) { document.write("<p>script</p>") }</script></head>
<body><nav><ul><li>Home<nav>inner</nav></ul>menu</nav><header><h1>A <b>great</b>
 day</h1></header><!-- <p>comment</p> --><p>First&nbsp;line<br>second &lt;line&gt;</p><noscript>Turn it on</noscript>
<ul><li>one<li>two</ul><table><tr><td>a<td>b</table><svg><title>icon</title></svg><footer>imprint</footer></body></html>"""


async def test_a_page_is_read_without_what_is_no_text(bench: Bench, service: FakeService) -> None:
    service.said = Said(PAGE, kind=HTML)

    answer = await bench.use("webpage_scraper", {}, url=f" {service.url}/news?x=1#top ")

    assert answer.pop("scrape_time_ms") >= 0
    assert answer == {
        "url": f"{service.url}/news?x=1#top",
        "provider": "local",
        "title": "News & more",
        "content": "A great day\nFirst line\nsecond <line>\none\ntwo\na\nb",
        "success": True,
    }
    assert service.asked.target == "/news?x=1"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("plain", "plain"),
        ("a & b &amp; c &unknown; &#65;", "a & b & c &unknown; A"),
        ("<p>a<nav>never closed<main>b</main>", "a\nb"),
        ("<p>a<![unknown[b]]>c<!x>d<?y>e", "acde"),
        ("<p>a<script>never closed <p>b", "a"),
        ("<p>a</nav></script></p>b", "a\nb"),
        ("<P>A<SCRIPT>x</SCRIPT>B", "AB"),
        ("a<p hidden title='>'>b", "a\nb"),
        ("a < b", "a < b"),
        ("<p>one line by AT&T", "one line by AT&T"),
        ("", ""),
    ],
)
def test_broken_pages_are_read_as_far_as_possible(html: str, text: str) -> None:
    assert read_page(html, 1_000).text == text


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<a",
        "<a b='",
        "<!",
        "<!--",
        "<![CDATA[",
        "</",
        "<?",
        "&",
        "<a b=c ",
        "<script></",
        "<title>",
        "<div>",
    ],
)
def test_no_page_takes_long(piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crafter.tool_runtime.html_text.MAX_SECONDS", 0.2)
    started = time.perf_counter()

    for beginning in ("", "<a ", "<script>", "<!-- "):
        read_page((beginning + piece * 2_000_000)[:2_000_000], 20_000)

    assert time.perf_counter() - started < 4 * 1.5


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (Said("<p>größer".encode("latin-1"), kind="text/html; charset=iso-8859-1"), "größer"),
        (Said("<meta charset='windows-1252'><p>größer".encode("cp1252"), kind="text/html"), "größer"),
        (Said("<p>größer", kind="text/html"), "größer"),
        (Said("<p>größer", kind="text/html; charset=rot13"), "größer"),
        (Said(b"<p>a\xffb\0c", kind=HTML), "a\ufffdb c"),
        (Said("one\n two <3", kind="text/plain"), "one\n two <3"),
        (Said({"a": 1}), '{"a": 1}'),
    ],
)
async def test_texts_of_other_kinds_and_encodings_are_read(
    bench: Bench, service: FakeService, said: Said, text: str
) -> None:
    service.said = said

    assert (await bench.use("webpage_scraper", {}, url=service.url))["content"] == text


async def test_a_page_without_text_is_no_success(bench: Bench, service: FakeService) -> None:
    service.said = Said("<title>App</title><script>start()</script>", kind=HTML)

    answer = await bench.use("webpage_scraper", {}, url=service.url)

    assert (answer["title"], answer["content"], answer["success"]) == ("App", "", False)


async def test_a_long_text_is_cut(bench: Bench, service: FakeService) -> None:
    service.said = Said(f"<title>{'t' * 9_000}</title>" + "<p>word " * 100_000, kind=HTML)

    answer = await bench.use("webpage_scraper", {}, url=service.url)

    assert len(answer["content"]) == 20_000
    assert answer["content"].endswith("…")
    assert len(answer["title"]) == 300


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (Said("no", 404, HTML), "status 404 Not Found"),
        (Said("no", 500, HTML), "status 500"),
        (Said(b"%PDF", kind="application/pdf"), "but application/pdf"),
        (
            Said(status=302, headers={"Location": "http://169.254.169.254/"}),
            "redirect, which is not followed",
        ),
        (Said("x" * 2_000_001, kind=HTML), "more than 2000000 bytes"),
    ],
)
async def test_what_cannot_be_read_is_explained(
    bench: Bench, service: FakeService, said: Said, reason: str
) -> None:
    service.said = said

    assert reason in await bench.refused("webpage_scraper", {}, url=service.url)
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:{port}/",
        "http://127.0.0.1:{closed}/",
        "http://127.1/",
        "http://[::1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:10.0.0.1]/",
        "http://8.8.8.8:22/",
    ],
)
async def test_addresses_that_are_not_public_are_refused(
    bench: Bench, service: FakeService, url: str
) -> None:
    async with listening() as neighbour:
        address = url.format(port=service.port, closed=neighbour.port)

        assert "cannot be called from here" in await bench.refused("webpage_scraper", {}, url=address)
        assert (service.requests, neighbour.accepted) == ([], 0)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://x.io/", "http or https"),
        ("file:///etc/passwd", "http or https"),
        ("x.io", "http or https"),
        ("http://user:pw@x.io/", "user name"),
        ("http://x.io/ a", "printable ASCII"),
        ("http://x.io/\r\nX: y", "printable ASCII"),
        ("http://x.io/" + "a" * 2_000, "longer than 2000"),
        ("\ud800", "http or https"),
    ],
)
@pytest.mark.parametrize("provider", ["local", "tavily"])
async def test_what_is_no_address_of_a_page_is_refused(
    bench: Bench, url: str, reason: str, provider: str
) -> None:
    assert reason in await bench.refused("webpage_scraper", TAVILY, url=url, provider=provider)


async def test_an_address_in_another_script_is_encoded(bench: Bench, service: FakeService) -> None:
    service.said = Said("x", kind="text/plain")

    await bench.use("webpage_scraper", {}, url=f"{service.url}/wiki/Österreich")

    assert service.asked.target == "/wiki/%C3%96sterreich"


async def test_a_page_that_does_not_end_is_given_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crafter.tool_runtime.webpage_scraper.DEADLINE_SECONDS", 0.2)
    async with listening(dripping(b"x", 0.05)) as slow:
        bench.runtime.settings.tenant_egress_allow.append(f"127.0.0.1:{slow.port}")

        assert "in time" in await bench.refused("webpage_scraper", {}, url=f"http://127.0.0.1:{slow.port}")


async def test_a_page_without_a_content_type_is_taken_for_html(bench: Bench) -> None:
    async with listening(answering(b"<title>t</title><p>x")) as listener:
        bench.runtime.settings.tenant_egress_allow.append(f"127.0.0.1:{listener.port}")

        answer = await bench.use("webpage_scraper", {}, url=f"http://127.0.0.1:{listener.port}")

    assert (answer["title"], answer["content"]) == ("t", "x")


@pytest.fixture
def by_tavily(bench: Bench, service: FakeService) -> Bench:
    """A deployment whose Tavily is on loopback."""
    settings = bench.runtime.settings.model_copy(update={"tavily_url": service.url})
    return dataclasses.replace(bench, runtime=dataclasses.replace(bench.runtime, settings=settings))


async def test_tavily_reads_a_page_with_the_agents_key(by_tavily: Bench, service: FakeService) -> None:
    result = {"url": "https://x.io", "title": "T\n", "raw_content": "a\n\nb" + "c" * 30_000}
    service.said = Said({"results": [result], "failed_results": []})

    answer = await by_tavily.use("webpage_scraper", TAVILY, url="https://x.io")

    asked = service.asked
    assert (asked.method, asked.path, asked.headers["authorization"]) == ("POST", "/extract", f"Bearer {KEY}")
    assert asked.json["urls"] == ["https://x.io"]
    assert (answer["provider"], answer["title"], answer["success"]) == ("tavily", "T", True)
    assert (answer["content"][:4], len(answer["content"])) == ("a\n\nb", 20_000)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"results": None},
        {"results": [7, {}, {"raw_content": 7}]},
        {"results": [], "failed_results": [{"url": "https://x.io", "error": KEY}]},
    ],
)
async def test_a_page_that_tavily_cannot_read_is_a_failure(
    by_tavily: Bench, service: FakeService, said: dict[str, Any]
) -> None:
    service.said = Said(said)

    sentence = await by_tavily.refused("webpage_scraper", TAVILY, url="https://x.io")

    assert sentence == "Tavily could not read this page."


async def test_tavily_needs_a_key_and_reading_from_here_opens_none(
    by_tavily: Bench, service: FakeService
) -> None:
    sentence = await by_tavily.refused("webpage_scraper", {"provider": "tavily"}, url="https://x.io")
    service.said = Said("x", kind="text/plain")
    unreadable = {"provider": "tavily", "encrypted_api_key": "crafter:1:A256GCM:broken"}
    answer = await by_tavily.use_stored("webpage_scraper", unreadable, url=service.url, provider="local")

    assert "no key for Tavily" in sentence
    assert "webpage-scraper-config" in sentence
    assert answer["content"] == "x"
    assert KEY not in json.dumps(answer)


async def test_where_the_models_are_is_no_page_to_read(bench: Bench, provider: FakeProvider) -> None:
    """An operator allows the address of a model server for the calls to it, not for whatever a model asks for."""
    assert f"127.0.0.1:{provider.port}" in bench.runtime.settings.egress_allow
    await bench.refused("webpage_scraper", {}, url=f"http://127.0.0.1:{provider.port}/v1/models")
    assert not provider.requests
