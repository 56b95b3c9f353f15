"""The application: every feature's routes behind the edge, and what a process opens and closes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

from crafter import __version__
from crafter.absent import routes as absent
from crafter.agent_executions import routes as agent_executions
from crafter.agent_executions import sweeping
from crafter.agent_tools import routes as agent_tools
from crafter.agent_tools.api_caller import routes as agent_endpoints
from crafter.agents import routes as agents
from crafter.agents import service as agent_service
from crafter.api_keys import routes as api_keys
from crafter.api_keys.lifecycle import sweeping as key_sweeping
from crafter.auth import routes as auth
from crafter.auth.oauth import routes as oauth
from crafter.auth.operators import operator_addresses
from crafter.budgets import routes as budgets
from crafter.budgets import sweeping as budget_sweeping
from crafter.calls import routes as calls
from crafter.calls import sweeping as call_sweeping
from crafter.conversations import handling
from crafter.conversations import routes as conversations
from crafter.conversations import service as conversation_service
from crafter.core.access import require_rules
from crafter.core.config import ConfigurationError, Settings
from crafter.core.database import Database
from crafter.core.pagination import CursorSigner
from crafter.core.runtime import Runtime
from crafter.core.secrets import Keyring
from crafter.documents import ALL_DOCUMENTS
from crafter.edge import routing
from crafter.edge.server import STOPPING
from crafter.edge.setup import set_up
from crafter.estimates import routes as estimates
from crafter.execution import routes as execution
from crafter.execution.asides import routes as summaries
from crafter.execution.asides import silence
from crafter.execution.tasks import routes as tasks
from crafter.external import routes as external
from crafter.external.handoffs import routes as external_handoffs
from crafter.external.prompts import routes as external_prompts
from crafter.external.tasks import routes as external_tasks
from crafter.gdpr import retention
from crafter.gdpr import routes as gdpr
from crafter.handoffs import fallback
from crafter.handoffs import routes as handoffs
from crafter.health import routes as health
from crafter.health.readiness import Readiness
from crafter.llm.providers import ChatModels
from crafter.migrations import newcomers
from crafter.openai_api import routes as openai_api
from crafter.openapi import describe
from crafter.operators import routes as operators
from crafter.organizations import routes as organizations
from crafter.organizations import service as organization_service
from crafter.prices import routes as prices
from crafter.project_overview import routes as project_overview
from crafter.projects import routes as projects
from crafter.prompt_execution import routes as prompt_execution
from crafter.prompt_execution import service as prompt_execution_service
from crafter.prompts import routes as prompts
from crafter.prompts import service as prompt_service
from crafter.prompts.versions import routes as prompt_versions
from crafter.providers import routes as providers
from crafter.sessions import routes as sessions
from crafter.sessions import service as session_service
from crafter.statistics import routes as statistics
from crafter.tool_runtime import routes as tool_runtime
from crafter.tools import routes as tools
from crafter.usage import folding
from crafter.usage import routes as usage
from crafter.user_api_keys import routes as user_api_keys
from crafter.user_api_keys import service as user_api_key_service
from crafter.widget import routes as widget
from indexes import sync

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    auth.router,
    oauth.router,
    organizations.router,
    projects.router,
    project_overview.router,
    providers.router,
    prices.router,
    tools.router,
    tool_runtime.router,
    api_keys.router,
    user_api_keys.router,
    agents.router,
    agent_tools.router,
    agent_endpoints.router,
    calls.router,
    budgets.router,
    estimates.router,
    conversations.agent_router,
    conversations.project_router,
    summaries.router,
    agent_executions.router,
    sessions.router,
    execution.router,
    tasks.router,
    prompts.router,
    prompt_versions.router,
    prompt_execution.router,
    handoffs.router,
    handoffs.polling_router,
    statistics.router,
    usage.router,
    gdpr.router,
    operators.router,
    absent.router,
    widget.router,
    external.router,
    external_prompts.router,
    external_tasks.router,
    external_handoffs.router,
    openai_api.router,
)


def create_app(settings: Settings) -> FastAPI:
    """The application for these settings; it connects to ``settings.mongodb_uri`` when it starts.

    Raises UndeclaredRoute for a route without an access rule, so such a service never starts, and ConfigurationError.
    """
    operator_addresses(settings)
    app = FastAPI(
        title="Crafter",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None if settings.production else "/openapi.json",
        lifespan=_lifespan,
    )
    app.state.settings = settings
    for router in ROUTERS:
        app.router.routes.extend(router.routes)
    require_rules(app.router.routes)
    organization_service.when_member_leaves(user_api_key_service.revoke_for_member)
    organization_service.when_member_leaves(handling.release_held_by)
    agent_service.when_agent_deleted(conversation_service.delete_all)
    prompt_service.when_prompt_deleted(prompt_execution_service.forget_results)
    agent_service.when_agent_deleted(session_service.delete_of_agent)
    set_up(app, settings)
    describe(app)
    routing.install(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[dict[str, Callable[[], None]]]:
    settings: Settings = app.state.settings
    if settings.mongodb_uri is None or settings.jwt_secret is None:
        raise ConfigurationError(["MONGODB_URI and JWT_SECRET: must be known before the application starts"])
    database = await Database.connect(settings.mongodb_uri.get_secret_value(), settings, ALL_DOCUMENTS)
    runtime = Runtime(
        settings=settings,
        database=database,
        keyring=Keyring.from_settings(settings),
        cursors=CursorSigner(settings.jwt_secret.get_secret_value()),
    )
    models = ChatModels.from_settings(settings)
    app.state.runtime, app.state.models = runtime, models
    if settings.adoption_interval_seconds:
        runtime.tasks.start(newcomers.keep_taking_in(runtime), name="newcomers")
    if settings.handoff_fallback_interval_seconds:
        runtime.tasks.start(fallback.keep_sweeping(runtime, models), name="handoff fallback")
        runtime.tasks.start(silence.keep_sweeping(runtime, models), name="silence")
    if (schedule := retention.schedule_of(settings)) is not None:
        runtime.tasks.start(retention.keep_retaining(runtime.tasks, schedule), name="retention")
    sweepers = [
        asyncio.create_task(sweeping.keep_sweeping(runtime.tasks), name="abandoned executions"),
        asyncio.create_task(call_sweeping.keep_sweeping(runtime.tasks), name="abandoned calls"),
        asyncio.create_task(budget_sweeping.keep_sweeping(runtime.tasks), name="abandoned holds"),
        asyncio.create_task(folding.keep_folding(runtime.tasks), name="usage"),
        asyncio.create_task(key_sweeping.keep_sweeping(runtime), name="provider keys"),
    ]
    app.state.readiness = Readiness(database, lambda: sync.missing_required(database.db, ALL_DOCUMENTS))

    def stop() -> None:
        runtime.tasks.stop_within(settings.drain_seconds)

    try:
        yield {STOPPING: stop}
    finally:
        stop()
        await runtime.tasks.stopped()
        for sweeper in sweepers:
            sweeper.cancel()
        await asyncio.wait(sweepers)
        await models.aclose()
        await database.close()
