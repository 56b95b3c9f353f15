"""From the period and the agent that are asked for to what they name."""

from typing import Annotated

from fastapi import Depends, Query

from crafter.agents.documents import Agent
from crafter.core.ids import EntityId
from crafter.core.time import utc_now
from crafter.organizations.dependencies import CurrentAccess
from crafter.statistics import service as statistics_service
from crafter.statistics.periods import MONTHS, ROLLING, Period, any_period, rolling


async def get_rolling_period(
    period: Annotated[str, Query(description=f"One of {', '.join(ROLLING)}, back from now.")] = "1d",
) -> Period:
    """A period that ends now."""
    return rolling(period, utc_now())


async def get_any_period(
    period: Annotated[
        str,
        Query(
            description=f"One of {', '.join((*ROLLING, *MONTHS))}; months are those of the calendar, in UTC."
        ),
    ] = "1d",
) -> Period:
    """A period that ends now, or a calendar month."""
    return any_period(period, utc_now())


async def get_agent(agent_id: EntityId, access: CurrentAccess) -> Agent:
    """An agent of any of the organization's projects."""
    return await statistics_service.get_agent(access.scope, agent_id)


RollingPeriod = Annotated[Period, Depends(get_rolling_period)]
AnyPeriod = Annotated[Period, Depends(get_any_period)]
OrganizationAgent = Annotated[Agent, Depends(get_agent)]
