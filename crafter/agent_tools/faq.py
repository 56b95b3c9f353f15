"""The settings of ``faq``: the questions that the agent can answer by heart."""

from typing import Annotated

from pydantic import Field, StringConstraints

from crafter.agent_tools.settings import AgentTarget, configure, get_tool
from crafter.agent_tools.vault import Parameters
from crafter.agents.documents import Agent
from crafter.core.documents import OmitNone
from crafter.core.schemas import ContractBody, ResponseBody, says
from crafter.core.secrets import Keyring

TOOL = "faq"
MAX_FAQS = 1_000


class FaqInput(ContractBody):
    """A question and its answer."""

    question: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=2_000)], says("FAQ question is required")
    ]
    answer: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=20_000)], says("FAQ answer is required")
    ]
    category: (
        Annotated[Annotated[str, StringConstraints(max_length=200)], says("FAQ category must be a string")]
        | None
    ) = None


class FaqConfigInput(ContractBody):
    """All questions, which replace those before, and how they are matched; what is absent stays."""

    faqs: Annotated[list[FaqInput], Field(max_length=MAX_FAQS)] | None = None
    enable_partial_matching: bool | None = None
    default_threshold: Annotated[float, Field(ge=0, le=1)] | None = None


class FaqRead(ResponseBody):
    """A question and its answer."""

    question: str
    answer: str
    category: OmitNone[str] = None


class FaqConfigSaved(ResponseBody):
    """The questions after a change."""

    message: str = "FAQ configuration updated successfully"
    faqs: list[FaqRead]
    count: int


class FaqConfigRead(ResponseBody):
    """The questions, and how they are matched."""

    faqs: list[FaqRead]
    enable_partial_matching: bool
    default_threshold: float
    count: int


async def save_faqs(target: AgentTarget, given: FaqConfigInput, keyring: Keyring) -> Agent:
    """Change the settings. Raises what ``configure`` raises."""
    fields = given.given()
    return await configure(target, TOOL, lambda stored, _: {**stored, **fields}, keyring)


def show_saved(agent: Agent) -> FaqConfigSaved:
    """The answer to a change."""
    faqs = _values(agent)["faqs"]
    return FaqConfigSaved(faqs=faqs, count=len(faqs))


def show(agent: Agent) -> FaqConfigRead:
    """The settings. Raises ToolSettingsNotFound."""
    values = _values(agent)
    return FaqConfigRead.from_stored({**values, "count": len(values["faqs"])})


def complete(opened: Parameters) -> Parameters:
    """The settings with their defaults."""
    return {"faqs": [], "enable_partial_matching": True, "default_threshold": 0.7, **opened}


def _values(agent: Agent) -> Parameters:
    stored = complete(get_tool(agent, TOOL).parameters or {})
    faqs = stored["faqs"] if isinstance(stored["faqs"], list) else []
    return {**stored, "faqs": [FaqRead.from_stored(faq) for faq in faqs if isinstance(faq, dict)]}
