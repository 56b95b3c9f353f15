"""The settings of ``webpage_scraper``."""

from typing import Annotated, Literal

from crafter.agent_tools.fields import OptionalApiKey
from crafter.agent_tools.provider_settings import MirroredSettings, ProviderInput, ProviderSettings
from crafter.core.schemas import ResponseBody, says

SETTINGS = ProviderSettings("webpage_scraper", {"provider": "local"}, keyless=frozenset({"local"}))


class ScraperInput(ProviderInput):
    """How the agent is to read web pages."""

    provider: Annotated[Literal["local", "tavily"], says("Provider must be local or tavily")] | None = None
    api_key: OptionalApiKey = None


class ScraperValues(ResponseBody):
    """How the agent reads web pages."""

    provider: str
    has_api_key: bool


class ScraperSaved(ScraperValues):
    """How the agent reads web pages now."""

    message: str = "Webpage scraper configuration updated successfully"


class ScraperRead(ScraperValues, MirroredSettings):
    """How the agent reads web pages."""

    data: ScraperValues
