"""What the web UI asks for while people work in it, in its order and its words, and what it reads in the answers."""

import httpx2

from crafter.api_keys.documents import ApiKey
from tests.clients.page import Page
from tests.clients.ui import MODEL, TOOL_DIALOGS, create_agent, is_time
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Reply, calling
from tests.fixtures import Cast

PASSWORD = "Blue$Ocean77Waves"
ASK = {"message": "Hello", "user_identifier": "user-123", "conversation_id": None}
SUM = ("calculator", {"expression": "6*7"})
WISH = {"reason": "wants a person", "urgency": "high", "context_summary": "c", "handoff_message": "Wait."}
PARAMETERS = {
    "temperature": 0.7,
    "max_tokens": 100,
    "top_p": 1.0,
    "frequency_penalty": 0.0,
    "presence_penalty": 0.0,
}


async def test_a_stranger_signs_up_and_makes_a_place_to_work(as_nobody: httpx2.AsyncClient) -> None:
    ui = Page(as_nobody)
    new = {"name": "Uma Ibsen", "email": "uma@example.com", "password": "short"}

    offered = await ui.call("GET", "/auth/oauth/providers")
    assert offered["data"]["providers"] == []
    refused = await ui.refused("POST", "/auth/register", new)
    assert refused == (400, "Password must be at least 12 characters long")
    await ui.call("POST", "/auth/register", new | {"password": PASSWORD})
    login = {"email": new["email"], "password": PASSWORD}
    ui.headers["Authorization"] = f"Bearer {(await ui.call('POST', '/auth/login', login))['token']}"
    user = await ui.call("GET", "/auth/profile")
    assert (user["name"], await ui.call("GET", "/organizations")) == ("Uma Ibsen", [])

    made = await ui.call("POST", "/organizations", {"name": "Umbra", "description": "What we do"})
    [listed] = await ui.call("GET", "/organizations")
    assert (listed["_id"], listed["name"], listed["description"]) == (made["_id"], "Umbra", "What we do")
    home = f"/organizations/{made['_id']}"
    opened = await ui.call("GET", home)
    assert {member["user"]["_id"]: member["role"] for member in opened["members"]} == {user["id"]: "admin"}
    assert opened["owner"] == user["id"]

    assert await ui.call("GET", f"{home}/projects") == []
    project = await ui.call("POST", f"{home}/projects", {"name": "Helpdesk", "description": ""})
    [card] = await ui.call("GET", f"{home}/projects")
    assert (card["_id"], card["name"], is_time(card["createdAt"])) == (project["_id"], "Helpdesk", True)
    page = await ui.call("GET", f"{home}/projects/{project['_id']}")
    assert (page["name"], page["prompts"], page["apiKeys"]) == ("Helpdesk", [], [])


async def test_a_provider_key_comes_with_the_models_to_choose_from(ui: Page, base: str) -> None:
    [openai] = [vendor for vendor in await ui.call("GET", "/providers") if vendor["name"] == "openai"]
    await ui.call("POST", f"{base}/api-keys", {"provider": openai["_id"], "key": "sk-1", "name": "main"})

    [key] = (await ui.call("GET", base))["apiKeys"]
    assert (key["name"], key["provider"]["name"]) == ("main", "openai")
    assert MODEL in key["provider"]["models"]
    assert await ui.call("DELETE", f"{base}/api-keys/{key['_id']}")
    assert (await ui.call("GET", base))["apiKeys"] == []


async def test_a_prompt_is_written_run_tried_and_looked_back_at(ui: Page, base: str, key: ApiKey) -> None:
    await ui.call("POST", f"{base}/prompts", {"name": "greet_user"})
    [listed] = (await ui.call("GET", base))["prompts"]
    page = f"{base}/prompts/{listed['_id']}"
    assert (await ui.call("GET", page))["name"] == listed["name"] == "greet_user"

    form = {
        "content": "Hello {{ name }}",
        "api_key": key.id,
        "llm_settings": {"model": MODEL, "parameters": {"temperature": 0.5, "max_tokens": 100}},
    }
    assert await ui.call("PUT", page, form)
    saved = await ui.call("GET", page)
    assert (saved["content"], saved["api_key"]) == ("Hello {{ name }}", key.id)
    assert saved["llm_settings"]["model"] == MODEL
    assert saved["llm_settings"]["parameters"]["temperature"] == 0.5

    variables = {"variables": {"name": "Bo"}}
    run = await ui.call("POST", f"/proxy{base}/execute/greet_user", variables)
    tried = await ui.call(
        "POST",
        "/proxy/test-prompt/",
        {
            "content": form["content"],
            "llm_settings": {"model": MODEL, "parameters": PARAMETERS},
            "api_key_id": key.id,
            **variables,
        },
    )
    assert run["result"] == tried["result"] == "You said: Hello Bo"
    assert run["usage"]["cost"] > 0
    assert tried["usage"]["cost"] > 0

    history = await ui.call("GET", f"/proxy{base}/prompts/{listed['_id']}/executions?page=1")
    [row] = history["executions"]
    assert (row["status"], row["metadata"]["finish_reason"], row["metadata"]["model"]) == (
        "success",
        "stop",
        MODEL,
    )
    assert (row["usage"]["cost"], is_time(row["createdAt"])) == (run["usage"]["cost"], True)
    assert history["total"] / history["limit"] > 0
    assert await ui.call("DELETE", page)
    assert (await ui.call("GET", base))["prompts"] == []


async def test_a_chat_is_led_looked_at_counted_and_deleted(
    ui: Page, base: str, organization_path: str, key: ApiKey, provider: FakeProvider
) -> None:
    suggestions = {"enabled": True, "count": 2, "api_key": key.id, "model": MODEL, "custom_prompt": None}
    path, agent = await create_agent(ui, base, key, tools=["calculator"], question_suggestions=suggestions)
    provider.script(calling(SUM), Reply("It is 42."), Reply("Ä 漢字 😀"))
    for _ in range(2):
        provider.script_aside("suggestions", Reply('{"suggestions": ["One?", "Two?"]}'))

    first = await ui.call("POST", f"{path}/chat", ASK)
    assert (first["response"], first["suggestions"]) == ("It is 42.", ["One?", "Two?"])
    assert [used["tool_name"] for used in first["tools_used"]] == ["calculator"]
    clicked = {
        **ASK,
        "message": "One?",
        "conversation_id": first["conversation_id"],
        "context": {"shop": "A"},
    }
    text, ended = await ui.stream(f"{path}/chat/stream", clicked)
    assert (text, ended["suggestions"]) == ("Ä 漢字 😀", ["One?", "Two?"])
    assert (ended["conversation_id"], ended["handoff_requested"]) == (first["conversation_id"], False)

    listed = await ui.call("GET", f"{path}/conversations")
    [card] = listed["conversations"]
    assert (listed["total"], bool(card["title"])) == (1, True)
    assert is_time(card["updatedAt"])
    assert card["metadata"]["total_cost"] > 0
    viewed = await ui.call("GET", f"{path}/conversations/{card['_id']}")
    assert [(message["role"], message["content"]) for message in viewed["messages"]] == [
        ("user", "Hello"),
        ("assistant", "It is 42."),
        ("user", "One?"),
        ("assistant", "Ä 漢字 😀"),
    ]
    assert all(is_time(message["timestamp"]) for message in viewed["messages"])
    assert viewed["messages"][1]["tools_used"][0]["tool_name"] == "calculator"
    assert is_time(viewed["createdAt"])
    assert is_time(viewed["updatedAt"])

    for period in ("1d", "1w", "1m"):
        counted = await ui.call(
            "GET", f"{organization_path}/statistics/agents/{agent['_id']}?period={period}"
        )
        talks = counted["conversations"]
        assert (talks["total"], talks["active"], talks["totalMessages"]) == (1, 1, 4)
        assert talks["totalTokens"] > 0
        assert talks["totalCost"] > 0
    assert (await ui.call("GET", f"/channels{path}/channels/enabled"))["enabled_channels"] == ["website"]
    assert (await ui.call("DELETE", f"{path}/conversations"))["deletedCount"] == 1
    assert (await ui.call("GET", f"{path}/conversations"))["total"] == 0


async def test_an_operator_finds_who_waits_takes_over_and_hands_back(
    ui: Page, base: str, key: ApiKey, cast: Cast, provider: FakeProvider
) -> None:
    path, agent = await create_agent(ui, base, key, tools=["request_human_handoff"])
    provider.script(calling(("request_human_handoff", WISH)))
    text, ended = await ui.stream(f"{path}/chat/stream", ASK)
    assert (text, ended["handoff_requested"], ended["handoff_info"]["urgency"]) == ("Wait.", True, "high")
    waiting = {**ASK, "message": "Hello?", "conversation_id": ended["conversation_id"]}
    assert (await ui.stream(f"{path}/chat/stream", waiting))[1]["handoff_requested"]

    assert (await ui.call("GET", "/handoffs/pending?page=1&limit=20&urgency=low"))["conversations"] == []
    pending = await ui.call("GET", "/handoffs/pending?page=1&limit=20&urgency=high")
    [card] = pending["conversations"]
    assert pending["pagination"]["pages"] == 1
    assert (card["status"], card["agent"]["name"], len(card["messages"])) == (
        "handoff_requested",
        agent["name"],
        3,
    )
    assert is_time(card["handoff_info"]["requested_at"])
    assert card["handoff_info"]["reason"] == WISH["reason"]

    dialog = f"/handoffs/conversations/{card['_id']}"
    opened = (await ui.call("GET", dialog))["conversation"]
    assert (opened["current_handler"], opened["agent"]["type"]) == ("agent", "chatbot")
    latest = f"/conversations/{card['_id']}/messages/latest?since="
    assert (await ui.call("GET", latest + opened["messages"][-1]["timestamp"]))["new_messages"] == []
    await ui.call("POST", f"{dialog}/takeover", {"message": "It is me."})
    taken = (await ui.call("GET", dialog))["conversation"]
    connected = f"You are now connected with {cast.admin.name} from our support team."
    assert [message["content"] for message in taken["messages"][-2:]] == [connected, "It is me."]
    assert (taken["status"], taken["current_handler"]) == ("human_controlled", "human")

    await ui.call("POST", f"{dialog}/message", {"message": "How can I help?"})
    polled = await ui.call("GET", latest + taken["messages"][-1]["timestamp"])
    [said] = polled["new_messages"]
    assert (said["role"], said["content"]) == ("human_operator", "How can I help?")
    assert said["handler_info"]["human_operator"]["name"] == cast.admin.name
    assert said["operator_info"]["name"] == cast.admin.name
    assert (polled["conversation_status"], polled["current_handler"]) == ("human_controlled", "human")
    assert polled["operator_info"]["name"] == cast.admin.name
    [mine] = (await ui.call("GET", "/handoffs/my-conversations?page=1&limit=20"))["conversations"]
    assert (mine["_id"], is_time(mine["handoff_info"]["handed_off_at"])) == (card["_id"], True)

    await ui.call("POST", f"{dialog}/handback")
    back = (await ui.call("GET", dialog))["conversation"]
    assert (back["status"], back["current_handler"]) == ("agent_controlled", "agent")
    assert (await ui.call("GET", "/handoffs/my-conversations?page=1&limit=20"))["conversations"] == []


async def test_a_task_is_run_streamed_and_counted(
    ui: Page, base: str, organization_path: str, key: ApiKey, provider: FakeProvider
) -> None:
    path, agent = await create_agent(ui, base, key, name="Worker", type="task", tools=["calculator"])
    provider.script(calling(SUM), Reply("42"), calling(SUM), Reply("Still 42"))
    given = {"input": "6*7?", "user_identifier": "user-123"}

    run = await ui.call("POST", f"{path}/execute", given)
    text, ended = await ui.stream(f"{path}/execute/stream", given)

    assert (run["output"], run["status"], text, ended["status"]) == (
        "42",
        "completed",
        "Still 42",
        "completed",
    )
    for result in (run, ended):
        assert [used["tool_name"] for used in result["tools_used"]] == ["calculator"]
    assert (await ui.call("GET", f"{path}/executions"))["total"] == 2
    counted = await ui.call("GET", f"{organization_path}/statistics/agents/{agent['_id']}?period=1d")
    runs = counted["executions"]
    assert (runs["total"], runs["completed"], runs["failed"], runs["totalToolCalls"]) == (2, 2, 0, 2)
    assert f"{runs['successRate']:.1f}" == "100.0"
    assert runs["avgExecutionTime"] >= 0
    assert all(is_time(shown["timestamp"]) for shown in counted["recentActivity"])

    board = await ui.call("GET", f"{organization_path}/statistics/dashboard?period=1w")
    assert (board["overview"]["totalAgents"], board["conversations"]["total"]) == (1, 0)
    [top], [day] = board["topAgents"], board["dailyUsage"]
    assert (top["name"], top["totalExecutions"], day["executionCount"]) == ("Worker", 2, 2)
    assert is_time(f"{day['_id']}T00:00Z")
    assert day["tokenCount"] > 0
    assert [shown["agent"]["_id"] for shown in board["recentActivity"]] == [top["_id"]] * 2


async def test_people_are_let_in_changed_and_sent_away(ui: Page, organization_path: str, cast: Cast) -> None:
    async def roles() -> dict[str, str]:
        members = (await ui.call("GET", organization_path))["members"]
        return {member["user"]["email"]: member["role"] for member in members}

    someone = {"email": cast.outsider.email, "role": "member"}
    assert await ui.call("POST", f"{organization_path}/members", someone)
    assert (await roles())[cast.outsider.email] == "member"
    member = f"{organization_path}/members/{cast.outsider.id}"
    assert await ui.call("PUT", member, {"role": "viewer"})
    assert (await roles())[cast.outsider.email] == "viewer"
    assert await ui.call("DELETE", member)
    assert cast.outsider.email not in await roles()

    nobody = {"email": "nobody@example.com", "role": "viewer"}
    assert await ui.refused("POST", f"{organization_path}/members", nobody) == (404, "User not found")
    name = {"firstName": "Ad", "lastName": "Min", "name": "Ad Min", "password": ""}
    await ui.call("PUT", "/auth/profile", name)
    assert (await ui.call("GET", "/auth/profile"))["name"] == "Ad Min"


async def test_a_key_for_programs_is_made_watched_changed_and_revoked(
    ui: Page, organization_path: str, cast: Cast
) -> None:
    keys = f"{organization_path}/user-api-keys"
    form = {
        "name": "integration",
        "scopes": ["agents:chat", "statistics:read"],
        "restrictions": {
            "ip_whitelist": ["127.0.0.1"],
            "domain_whitelist": ["example.com"],
            "rate_limit_override": 60,
            "max_executions_per_day": 100,
        },
        "allowed_projects": [cast.project.id],
        "expires_at": "2100-01-01T00:00:00.000Z",
    }

    made = (await ui.call("POST", keys, form))["data"]["api_key"]
    [card] = (await ui.call("GET", keys))["data"]
    assert (card["name"], card["scopes"], card["is_active"]) == ("integration", form["scopes"], True)
    assert card["masked_key"]
    assert card["usage"]["total_requests"] == card["usage"]["executions_today"] == 0
    usage = (await ui.call("GET", f"{keys}/{card['_id']}/usage"))["data"]
    assert (usage["daily_limit_remaining"], usage["is_within_daily_limit"]) == (100, True)
    assert usage["restrictions"]["rate_limit_override"] == 60
    assert (await ui.call("POST", f"{keys}/{card['_id']}/rotate"))["data"]["api_key"] not in {made, ""}
    await ui.call("DELETE", f"{keys}/{card['_id']}")
    assert [(row["_id"], row["is_active"]) for row in (await ui.call("GET", keys))["data"]] == [
        (card["_id"], False)
    ]


async def test_what_is_not_there_is_empty_and_says_so_when_it_is_used(
    ui: Page, base: str, key: ApiKey
) -> None:
    path, _ = await create_agent(ui, base, key, tools=["rag_search"])

    assert (await ui.call("GET", f"{base}/vector-databases"))["configurations"] == []
    assert {vendor["id"] for vendor in (await ui.call("GET", "/vector-databases/providers"))["providers"]}
    assert (await ui.call("GET", f"{base}/rag/stats"))["stats"]["total_documents"] == 0
    assert (await ui.call("GET", f"{base}/rag/jobs?limit=50"))["jobs"] == []
    assert (await ui.call("GET", f"/channels{path}/channels"))["telegram"] == {"enabled": False}
    document = {
        "documents": [{"id": "1", "content": "c"}],
        "api_key_id": key.id,
        "process_in_background": True,
    }
    for method, target, body in (
        ("POST", f"{base}/rag/index", document),
        ("POST", f"{base}/vector-databases", {"name": "m", "provider": "memory", "config": {}}),
        ("PUT", f"/channels{path}/channels", {"telegram": {"enabled": True, "bot_token": "1:a"}}),
    ):
        status, sentence = await ui.refused(method, target, body)
        assert (status, "not implemented" in sentence) == (501, True)


async def test_no_page_throws_a_viewer_out(
    ui: Page, base: str, organization_path: str, key: ApiKey, as_viewer: httpx2.AsyncClient
) -> None:
    """On a 401 the web UI goes to its login page, on a 403 to its start page."""
    tools = ["api_caller", "faq", "web_search", "webpage_scraper", "google_calendar", "request_human_handoff"]
    path, agent = await create_agent(ui, base, key, tools=tools)
    prompt = (await ui.call("POST", f"{base}/prompts", {"name": "greet"}))["_id"]
    viewer = Page(as_viewer)

    for target in (
        *(
            "/auth/profile",
            "/organizations",
            "/providers",
            organization_path,
            f"{organization_path}/projects",
        ),
        *(f"{organization_path}/statistics/{tail}" for tail in ("dashboard", f"agents/{agent['_id']}")),
        *("/handoffs/pending?page=1&limit=20", "/handoffs/my-conversations?page=1&limit=20"),
        *(f"{organization_path}/user-api-keys", base, f"{base}/agents", f"{base}/prompts/{prompt}"),
        f"/proxy{base}/prompts/{prompt}/executions?page=1",
        *(path, f"{path}/conversations", f"{path}/executions"),
        *(f"{path}/{dialog}" for dialog in (*TOOL_DIALOGS, "google-calendar-config")),
        *(f"/channels{path}/channels", f"/channels{path}/channels/enabled"),
        *("/vector-databases/providers", f"{base}/rag/stats", f"{base}/rag/jobs?limit=50"),
    ):
        await viewer.call("GET", target)
