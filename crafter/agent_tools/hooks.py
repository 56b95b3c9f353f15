"""The hooks of an agent: what is done beside its conversations."""

from typing import Annotated, Any

from beanie import PydanticObjectId
from pydantic import Field, StringConstraints

from crafter.agent_tools.errors import InvalidHook
from crafter.agent_tools.settings import AgentTarget
from crafter.agents import service as agent_service
from crafter.agents.documents import Agent, AgentHook, HookTrigger, HookType, InactivityCondition
from crafter.agents.schemas import AgentHookRead
from crafter.agents.secrets import HOOKS, masked, seal_webhooks
from crafter.agents.service import AgentEdit
from crafter.agents.setting_schemas import OptionalModelName, Prompt, Secret, WebAddress
from crafter.core.schemas import ContractBody, ResponseBody, says
from crafter.core.secrets import Keyring

MAX_HOOKS = 32

_NEEDED = {
    "llm": ("prompt", 'LLM hook "{}" requires a prompt'),
    "webhook": ("webhook_url", 'Webhook hook "{}" requires a webhook_url'),
}


class HookInput(ContractBody):
    """A hook; the secret ``***`` is the stored one of the hook with the same ``_id`` or name."""

    id: Annotated[str, Field(max_length=64)] | None = Field(None, alias="_id")
    name: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=100)], says("Each hook must have a name")
    ]
    enabled: bool | None = None
    type: Annotated[HookType, says("Hook type must be llm or webhook")]
    trigger: Annotated[HookTrigger, says("Invalid trigger")]
    inactivity_seconds: (
        Annotated[
            Annotated[int, Field(ge=10, le=2_592_000)],
            says("inactivity_seconds must be >= 10, at most 30 days"),
        ]
        | None
    ) = None
    inactivity_condition: InactivityCondition | None = None
    prompt: Prompt | None = None
    model: OptionalModelName = None
    webhook_url: WebAddress = None
    webhook_secret: Secret | None = None
    context_messages: (
        Annotated[Annotated[int, Field(ge=1, le=50)], says("context_messages must be between 1 and 50")]
        | None
    ) = None


class HooksInput(ContractBody):
    """All hooks of the agent; they replace those before."""

    hooks: Annotated[list[HookInput], Field(max_length=MAX_HOOKS)]


class HooksRead(ResponseBody):
    """All hooks of the agent; their secrets are masked."""

    hooks: list[AgentHookRead]


async def save_hooks(target: AgentTarget, given: HooksInput, keyring: Keyring) -> Agent:
    """Replace the hooks, and raise the agent's version.

    Raises AgentNotFound, InvalidHook, SecretRequired and StaleWrite.
    """
    sent = given.given()["hooks"]

    async def plan(agent: Agent) -> AgentEdit:
        free = {str(hook.id): hook.id for hook in agent.hooks}
        wanted = [(one.get("id"), _read(one, free)) for one in sent]
        sealed = seal_webhooks(agent, HOOKS, agent.hooks, wanted, keyring)
        hooks = [hook.model_dump(by_alias=True) for hook in sealed]
        return AgentEdit({"$set": {"hooks": hooks}, "$inc": {"version": 1}})

    return await agent_service.edit_agent(target.scope, target.agent_id, target.revision, plan)


def show(agent: Agent) -> HooksRead:
    """The hooks, without their secrets."""
    return HooksRead(hooks=masked(agent.to_stored())["hooks"])


def _read(sent: dict[str, Any], free: dict[str, PydanticObjectId]) -> AgentHook:
    """A hook as it was sent. It keeps the id that it was read under, if that is still ``free``."""
    field, sentence = _NEEDED[sent["type"]]
    if not sent.get(field):
        raise InvalidHook(sentence.format(sent["name"]))
    hook = AgentHook.model_validate({name: value for name, value in sent.items() if name != "id"})
    known = free.pop(sent.get("id", ""), None)
    return hook if known is None else hook.model_copy(update={"id": known})
