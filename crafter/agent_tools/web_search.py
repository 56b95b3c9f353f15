"""The settings of ``web_search``."""

from typing import Annotated, Literal

from pydantic import Field

from crafter.agent_tools.fields import ApiKey
from crafter.agent_tools.provider_settings import MirroredSettings, ProviderInput, ProviderSettings
from crafter.core.schemas import ResponseBody, says

SETTINGS = ProviderSettings("web_search", {"provider": "brave", "default_max_results": 5})


class WebSearchInput(ProviderInput):
    """How the agent is to search."""

    provider: Annotated[Literal["brave", "tavily"], says("Provider must be brave or tavily")] | None = None
    api_key: ApiKey | None = None
    default_max_results: (
        Annotated[int, Field(ge=1, le=20), says("Default max results must be between 1 and 20")] | None
    ) = None


class WebSearchValues(ResponseBody):
    """How the agent searches."""

    provider: str
    default_max_results: int
    has_api_key: bool


class WebSearchSaved(WebSearchValues):
    """How the agent searches now."""

    message: str = "Web search configuration updated successfully"


class WebSearchRead(WebSearchValues, MirroredSettings):
    """How the agent searches."""

    data: WebSearchValues
