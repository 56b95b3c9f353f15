"""What the chat widget does on a page, from the first visit to a human and back, as one visitor sees it."""

from collections.abc import Callable

import httpx2
import pytest

from crafter.agents.documents import Agent, AgentTool
from crafter.core.runtime import Runtime
from tests.clients.page import Page
from tests.clients.widget import JOINED, LEFT, Storage, Widget
from tests.factories import make_agent
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Failure, Reply, calling
from tests.fixtures import Cast
from tests.programs import make_platform_key

SHOP = "https://shop.example.com"
WISH = {"reason": "wants a person", "urgency": "high", "context_summary": "A customer."}

Visit = Callable[..., Widget]


@pytest.fixture
async def agent(cast: Cast, runtime: Runtime) -> Agent:
    made: Agent = await make_agent(
        cast.project,
        runtime.keyring,
        name="helper",
        tools=[AgentTool(name="request_human_handoff", description="d")],
    )
    return made


@pytest.fixture
async def visit(as_nobody: httpx2.AsyncClient, cast: Cast, agent: Agent) -> Visit:
    """Opens a page that embeds the widget; its key may chat, from the shop only."""
    key, _ = await make_platform_key(
        cast.member, cast.organization, scopes=["agents:execute"], domain_whitelist=["shop.example.com"]
    )

    def open_page(storage: Storage | None = None, *, origin: str = SHOP, streaming: bool = True) -> Widget:
        page = Page(as_nobody, {"Origin": origin, "Referer": f"{origin}/"})
        return Widget(page, key, agent.id, storage or Storage(), streaming)

    return open_page


@pytest.mark.parametrize("streaming", [True, False])
async def test_a_visitor_chats_and_nothing_is_shown_twice(
    visit: Visit, provider: FakeProvider, streaming: bool
) -> None:
    widget = visit(streaming=streaming)
    provider.script(Reply("Hi 😀 <b>there</b>"), Reply("Yes."), Reply("Yes."))

    await widget.load()
    await widget.say("Hello ümläut")
    await widget.poll()
    await widget.say("Open?")
    await widget.poll()
    await widget.say("Really?")
    await widget.poll()

    assert widget.shown == [
        ("you", "Hello ümläut"),
        ("AI", "Hi 😀 <b>there</b>"),
        ("you", "Open?"),
        ("AI", "Yes."),
        ("you", "Really?"),
        ("AI", "Yes."),
    ]


async def test_a_reload_brings_the_conversation_back_and_goes_on_in_it(
    visit: Visit, provider: FakeProvider
) -> None:
    first = visit()
    await first.load()
    await first.say("One")
    await first.say("Two")

    second = visit(first.storage)
    await second.load()
    restored = list(second.shown)
    await second.poll()
    await second.say("Three")

    assert restored == first.shown
    assert second.shown == [*restored, ("you", "Three"), ("AI", "You said: Three")]
    assert "One" in str(provider.requests[-1].body["messages"])


async def test_a_visitor_gets_to_a_human_and_back(
    visit: Visit, as_member: httpx2.AsyncClient, cast: Cast, provider: FakeProvider
) -> None:
    widget, operator = visit(), Page(as_member)
    provider.script(calling(("request_human_handoff", {**WISH, "handoff_message": "One moment."})))
    await widget.load()

    await widget.say("A human please")
    await widget.poll()
    await widget.say("Are you there?")
    conversation = f"/handoffs/conversations/{widget.storage.conversation}"
    await operator.call("POST", f"{conversation}/takeover", {"message": "Hello, it is me."})
    await widget.poll()
    await widget.say("Thank you")
    await operator.call("POST", f"{conversation}/message", {"message": "You are welcome."})
    await widget.poll()
    reloaded = visit(widget.storage)
    await reloaded.load()
    await operator.call("POST", f"{conversation}/handback")
    await widget.poll()
    await widget.say("Agent?")
    await widget.poll()

    name = cast.member.name
    talk = [
        ("you", "A human please"),
        ("AI", "One moment."),
        ("you", "Are you there?"),
        (name, "Hello, it is me."),
        ("you", "Thank you"),
        (name, "You are welcome."),
    ]
    assert widget.shown == [
        *talk[:2],
        JOINED,
        *talk[2:],
        LEFT,
        ("you", "Agent?"),
        ("AI", "You said: Agent?"),
    ]
    assert (reloaded.shown, reloaded.with_human) == (talk, True)
    assert len(provider.requests) == 2


async def test_a_page_of_another_site_is_told_no(visit: Visit) -> None:
    widget = visit(origin="https://elsewhere.example.com")
    wanted = {"agentId": widget.agent, "userIdentifier": None}

    refused = await widget.page.refused("POST", "/sessions", wanted, Authorization=f"Bearer {widget.key}")

    assert refused == (403, "Domain not allowed")


async def test_a_vendor_that_fails_leaves_the_visitor_a_working_widget(
    visit: Visit, provider: FakeProvider
) -> None:
    widget = visit()
    await widget.load()
    await widget.say("Hello")
    provider.script(Failure(400, "no such model"))

    with pytest.raises(AssertionError, match="no such model"):
        await widget.say("And now?")
    await widget.poll()
    await widget.say("Better?")

    assert widget.shown[-2:] == [("you", "Better?"), ("AI", "You said: Better?")]
