"""The settings of the tools that speak, ``add_slide`` and ``generate_slide_audio``: they share one voice."""

from typing import Annotated, Any, Literal

from crafter.agent_tools.errors import ToolNotConfigured, ToolSettingsNotFound
from crafter.agent_tools.fields import ApiKey, OptionalText
from crafter.agent_tools.provider_settings import ProviderSettings
from crafter.agent_tools.settings import AgentTarget, configure_all, find_tool
from crafter.agents.documents import Agent
from crafter.core.schemas import ContractBody, ResponseBody, says
from crafter.core.secrets import Keyring

TOOLS = ("generate_slide_audio", "add_slide")
SETTINGS = ProviderSettings(
    "generate_slide_audio",
    {"provider": "openai", "voice_id": None, "model": None},
    keyless=frozenset({"openai"}),  # it speaks with the agent's own key
    key_field="elevenlabs_api_key",
)

_MISSING = "No voice tools configured on this agent"
_ADVICE = "Add the add_slide or generate_slide_audio tool first."


class VoiceInput(ContractBody):
    """How the agent is to speak; the key is one of ElevenLabs."""

    provider: (
        Annotated[Literal["openai", "elevenlabs"], says("Provider must be openai or elevenlabs")] | None
    ) = None
    api_key: ApiKey | None = None
    voice_id: OptionalText = None
    model: OptionalText = None


class VoiceSaved(ResponseBody):
    """How the agent speaks now."""

    message: str = "Voice configuration updated successfully"
    provider: str
    voice_id: str | None
    model: str | None
    has_api_key: bool


class VoiceValues(ResponseBody):
    """How the agent speaks."""

    provider: str
    voice_id: str | None
    model: str | None
    has_elevenlabs_api_key: bool


class VoiceRead(ResponseBody):
    """How the agent speaks."""

    success: bool = True
    data: VoiceValues


async def save_voice(target: AgentTarget, given: VoiceInput, keyring: Keyring) -> Agent:
    """Change the voice. Raises what ``configure_all`` raises, and SecretMissing."""
    fields = {name: value for name, value in given.given().items() if value is not None}
    if fields.get("provider") == "openai":
        fields.pop("api_key", None)  # never one of ElevenLabs, and must not be sent there later
    missing = ToolNotConfigured(_MISSING, message=_ADVICE)
    return await configure_all(
        target,
        TOOLS,
        lambda stored, vault: SETTINGS.changed(stored, fields, vault),
        keyring,
        missing=missing,
    )


def show_saved(agent: Agent) -> VoiceSaved:
    """The answer to a change."""
    return VoiceSaved.from_stored(_values(agent))


def show(agent: Agent) -> VoiceRead:
    """The voice. Raises ToolSettingsNotFound."""
    values = _values(agent)
    data = VoiceValues.from_stored({**values, "has_elevenlabs_api_key": values["has_api_key"]})
    return VoiceRead(data=data)


def _values(agent: Agent) -> dict[str, Any]:
    tool = find_tool(agent, *TOOLS)
    if tool is None:
        raise ToolSettingsNotFound(_MISSING, message=_ADVICE)
    return SETTINGS.values(tool.parameters or {})
