"""``llm_prompt``: one question to another model, with a key of the agent's project."""

from typing import Any

from crafter.api_keys import service as api_key_service
from crafter.api_keys.errors import ApiKeyNotFound
from crafter.calling.connection import connect
from crafter.calling.purposes import Purpose
from crafter.calling.tally import Tally
from crafter.core.egress import EgressRefused
from crafter.core.errors import UpstreamFailed
from crafter.llm.base import ChatMessage, ChatParameters, ChatRequest
from crafter.tool_runtime.context import Arguments, Result, ToolContext
from crafter.tool_runtime.errors import ToolFailed
from crafter.tool_runtime.texts import shortened, without_controls

MAX_PROMPT = 100_000
MAX_SYSTEM_PROMPT = 20_000
MAX_TOKENS = 8_192

_MODEL = "gpt-4o-mini"
_TEMPERATURE = 0.7
_TOKENS = 1_000
_ID_LENGTH = 100
_MODEL_LENGTH = 200
_SHOWN_PROMPT = 1_000
_SHOWN_RESPONSE = 16_000


async def ask_model(arguments: Arguments, context: ToolContext) -> Result:
    """The model's answer, and what it took; it is counted on the key.

    Raises ToolFailed, ApiKeyNotFound for a key of any other project, UpstreamFailed, and what ``connect`` raises.
    """
    request = _request(arguments)
    key_id: str = arguments["api_key_id"]
    if len(key_id) > _ID_LENGTH:
        raise ApiKeyNotFound
    key = await api_key_service.get_key(context.agent.scope, key_id)
    purpose = Purpose("tool", agent=context.agent.id)
    connection = await connect(key, request.model, purpose, context.runtime, context.models)
    try:
        finished = await connection.model.complete(request)
    except EgressRefused:  # its sentence names an address, which is the deployment's matter
        raise ToolFailed("The provider of this key cannot be called from here.") from None
    except UpstreamFailed as failure:
        if "upstream_status" in failure.details:
            raise
        # Nothing was answered: the sentence may name an address too.
        raise ToolFailed("The provider of this key did not answer properly. Try again later.") from None
    return {
        "prompt": shortened(arguments["prompt"], _SHOWN_PROMPT),
        "response": shortened(finished.text, _SHOWN_RESPONSE),
        "model": request.model,
        "usage": _usage(connection.model.tally),
        "finish_reason": finished.finish_reason,
    }


def _request(arguments: Arguments) -> ChatRequest:
    prompt = _text("prompt", arguments["prompt"], MAX_PROMPT)
    system_prompt = _text("system_prompt", arguments.get("system_prompt", ""), MAX_SYSTEM_PROMPT)
    if not prompt.strip():
        raise ToolFailed("The prompt is blank")
    model: str = arguments.get("model", _MODEL)
    if not 0 < len(model) <= _MODEL_LENGTH or not model.isascii() or not model.isprintable():
        raise ToolFailed("This is not the name of a model")
    tokens = arguments.get("max_tokens", _TOKENS)
    if tokens > MAX_TOKENS:
        raise ToolFailed(f"max_tokens must be at most {MAX_TOKENS}")
    messages = [ChatMessage("user", prompt)]
    if system_prompt.strip():
        messages.insert(0, ChatMessage("system", system_prompt))
    parameters = ChatParameters(
        temperature=arguments.get("temperature", _TEMPERATURE),
        max_tokens=int(tokens),  # JSON Schema takes 100.0 for an integer
    )
    return ChatRequest(model, messages, parameters)


def _text(name: str, text: str, longest: int) -> str:
    if len(text) > longest:
        raise ToolFailed(f"The {name} is longer than {longest} characters")
    return without_controls(text)


def _usage(tally: Tally) -> dict[str, Any]:
    """``cost`` is in US dollars; None where nobody knows the price."""
    usage, cost = tally.usage, tally.cost
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "cost": None if cost is None else float(cost),
    }
