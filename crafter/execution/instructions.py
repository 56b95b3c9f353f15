"""What an agent is told to be: its own system prompt, its sections, or a prompt of the project that it shares."""

from crafter.agents.documents import Agent
from crafter.execution.errors import SharedPromptGone
from crafter.prompts import service as prompt_service
from crafter.prompts.errors import PromptNotFound
from crafter.prompts.rendering import render_prompt

_HEADINGS = {
    "identity_and_tone": "Identity and tone",
    "tools_and_apis": "Tools and APIs",
    "conversation_flow": "Conversation flow",
    "output_format": "Output format",
    "guardrails": "Guardrails",
    "domain_workflows": "Domain workflows",
}


async def instructed(agent: Agent) -> Agent:
    """The agent with the system prompt that it runs with.

    A prompt that it shares comes as it is now, filled in with the agent's values. Raises SharedPromptGone, and
    what rendering raises.
    """
    text = agent.system_prompt
    if agent.prompt is not None:
        text = await _shared(agent, agent.prompt)
    elif not text.strip():
        text = _from_sections(agent)
    told: Agent = agent.model_copy(update={"system_prompt": text})
    return told


async def _shared(agent: Agent, prompt_id: str) -> str:
    try:
        prompt = await prompt_service.get_prompt(agent.scope, prompt_id)
    except PromptNotFound:
        raise SharedPromptGone from None
    rendered = render_prompt(prompt, agent.prompt_variables or {})
    return "\n\n".join(filter(None, (rendered.system_prompt, rendered.content)))


def _from_sections(agent: Agent) -> str:
    sections = agent.config.prompt_sections.model_dump()
    parts = [f"# {_HEADINGS[name]}\n\n{text.strip()}" for name, text in sections.items() if text.strip()]
    return "\n\n".join(parts)
