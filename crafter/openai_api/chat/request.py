"""From a chat completion as it is asked for to what a model is asked."""

from crafter.llm.base import ChatParameters, ChatRequest
from crafter.openai_api.chat.schemas import CompletionCreate


def request_of(body: CompletionCreate) -> ChatRequest:
    """What is asked, of the model as the caller names it."""
    stop = [body.stop] if isinstance(body.stop, str) else body.stop
    parameters = ChatParameters(
        temperature=body.temperature,
        top_p=body.top_p,
        max_tokens=body.max_completion_tokens or body.max_tokens,
        frequency_penalty=body.frequency_penalty,
        presence_penalty=body.presence_penalty,
        stop=stop or None,
        seed=body.seed,
        reasoning_effort=body.reasoning_effort,
        response_format=body.chosen_format(),
        tool_choice=body.tool_to_choose(),
        parallel_tool_calls=body.parallel_tool_calls,
    )
    return ChatRequest(
        model=body.model,
        messages=[message.as_message() for message in body.messages],
        parameters=parameters,
        cache_key=body.prompt_cache_key,
        tools=body.chosen_tools(),
    )
