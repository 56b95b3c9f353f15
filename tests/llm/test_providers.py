"""Where each provider lives."""

import pytest

from crafter.core.config import load_settings
from crafter.llm.base import ChatRequest
from crafter.llm.providers import VENDORS, ChatModels, known_name
from tests.fakes.provider import FakeProvider


@pytest.mark.parametrize(
    ("name", "base_url"),
    [
        ("openai", "https://api.openai.com/v1"),
        ("deepseek", "https://api.deepseek.com/v1"),
        ("anthropic", "https://api.anthropic.com/v1"),
        ("google", "https://generativelanguage.googleapis.com/v1beta/openai"),
        ("openrouter", "https://openrouter.ai/api/v1"),
        ("xai", "https://api.x.ai/v1"),
        ("OpenAI", "https://api.openai.com/v1"),
        ("somebody else", "https://api.openai.com/v1"),
    ],
)
def test_each_provider_has_its_address(name: str, base_url: str) -> None:
    assert VENDORS[known_name(name)].base_url == base_url


async def test_an_operator_may_move_a_provider(provider: FakeProvider, request_hello: ChatRequest) -> None:
    settings = load_settings(
        {
            "ANTHROPIC_BASE_URL": f"{provider.base_url}/",
            "CRAFTER_EGRESS_ALLOW": f"{provider.host}:{provider.port}",
        }
    )
    models = ChatModels.from_settings(settings)

    try:
        finished = await (await models.chat_model("anthropic", "key")).complete(request_hello)
    finally:
        await models.aclose()

    assert finished.text == "You said: Hello there, friend"
    assert provider.requests[0].path == "/v1/chat/completions"
