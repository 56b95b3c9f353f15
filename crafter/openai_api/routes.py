"""``/openai/v1``: what OpenAI's clients ask for, answered by the models and the agents of a project."""

import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import Response

from crafter.api_keys.errors import CredentialInactive, CredentialLimited
from crafter.budgets.errors import BUDGET_REFUSALS
from crafter.calling.dependencies import CurrentModels
from crafter.calling.errors import CapabilityMissing, ModelRetired
from crafter.calls.documents import CallSource
from crafter.core.errors import CrafterError, UpstreamTimedOut, documented
from crafter.core.ids import new_id
from crafter.core.runtime import CurrentRuntime
from crafter.core.secrets import SecretUnreadable
from crafter.edge.rate_limits import GENERAL, PROXY, limited
from crafter.edge.responses import json_response, streamed
from crafter.execution.errors import NoKeyConfigured, SharedPromptGone
from crafter.openai_api import subjects
from crafter.openai_api.asking import Question, prepare
from crafter.openai_api.chat.answer import Completion
from crafter.openai_api.chat.request import request_of as request_of_completion
from crafter.openai_api.chat.schemas import CompletionCreate
from crafter.openai_api.dependencies import AskedProject
from crafter.openai_api.errors import (
    UPSTREAM,
    AgentHasItsOwn,
    AnswerInterrupted,
    ModelNotFound,
    NoProject,
    ProjectNotFound,
)
from crafter.openai_api.failures import OpenAIRoute
from crafter.openai_api.responses.answer import Answer
from crafter.openai_api.responses.request import request_of as request_of_response
from crafter.openai_api.responses.schemas import ResponseCreate
from crafter.openai_api.schemas import ModelList, ModelRead
from crafter.openai_api.subjects import Listed
from crafter.platform_access.dependencies import CurrentEntry, KeyAccess, require_scope
from crafter.platform_access.errors import ScopeMissing

router = APIRouter(prefix="/openai/v1", route_class=OpenAIRoute, tags=["For OpenAI's clients"])

_EVENT_STREAM = "text/event-stream"
_STREAM_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
_FINDING: tuple[type[CrafterError], ...] = (ModelNotFound, ProjectNotFound, NoProject, ScopeMissing)
_ASKING: tuple[type[CrafterError], ...] = (
    *_FINDING,
    CredentialInactive,
    CredentialLimited,
    *BUDGET_REFUSALS,
    SecretUnreadable,
    CapabilityMissing,
    ModelRetired,
    *UPSTREAM,
    UpstreamTimedOut,
    AnswerInterrupted,
)
_OF_AGENTS = (AgentHasItsOwn, NoKeyConfigured, SharedPromptGone)


def _answers(what: str) -> dict[int | str, dict[str, Any]]:
    """How an answer is described that may be streamed."""
    return {
        200: {
            "description": f"{what}; with `stream`, server-sent events.",
            "content": {
                "application/json": {"schema": {"type": "object"}},
                _EVENT_STREAM: {"schema": {"type": "string"}},
            },
        }
    }


@router.post(
    "/chat/completions",
    response_class=Response,
    dependencies=[require_scope(None), limited(PROXY)],
    responses={**documented(*_ASKING, *_OF_AGENTS), **_answers("A chat completion")},
)
async def create_completion(
    entry: CurrentEntry,
    project: AskedProject,
    body: CompletionCreate,
    runtime: CurrentRuntime,
    models: CurrentModels,
) -> Response:
    """Have a model, or an agent (`agent:<name or id>`), answer to messages."""
    subject = await subjects.find_subject(entry.access, project, body.model)
    completion = Completion(f"chatcmpl-{new_id()}", body.model, int(time.time()))
    source = CallSource(type="chat_completion", id=completion.id)
    question = Question(request_of_completion(body), source, entry.key.id, body.end_user)
    run = await prepare(runtime, models, subject, question)
    if not body.stream:
        return json_response(completion.whole(await run.answer()))
    usage = body.stream_options.include_usage
    return _streamed(completion.frames(await run.begin(), include_usage=usage))


@router.post(
    "/responses",
    response_class=Response,
    dependencies=[require_scope(None), limited(PROXY)],
    responses={**documented(*_ASKING, *_OF_AGENTS), **_answers("A response")},
)
async def create_response(
    entry: CurrentEntry,
    project: AskedProject,
    body: ResponseCreate,
    runtime: CurrentRuntime,
    models: CurrentModels,
) -> Response:
    """Have a model, or an agent (`agent:<name or id>`), answer to what was said so far. Nothing of it is kept."""
    subject = await subjects.find_subject(entry.access, project, body.model)
    answer = Answer(f"resp_{new_id()}", body, int(time.time()))
    source = CallSource(type="response", id=answer.id)
    question = Question(request_of_response(body), source, entry.key.id, body.end_user)
    run = await prepare(runtime, models, subject, question)
    if not body.stream:
        return json_response(answer.whole(await run.answer()))
    return _streamed(answer.frames(await run.begin()))


@router.get(
    "/models",
    response_model=ModelList,
    dependencies=[require_scope(None), limited(GENERAL)],
    responses=documented(ProjectNotFound, NoProject),
)
async def list_models(access: KeyAccess, project: AskedProject) -> Response:
    """All that the key may ask in the project: models for which there is a provider key, and agents."""
    listed = await subjects.list_subjects(access, project)
    return json_response(ModelList(data=[_shown(one) for one in listed]))


@router.get(
    "/models/{model_name}",
    response_model=ModelRead,
    dependencies=[require_scope(None), limited(GENERAL)],
    responses=documented(ModelNotFound, ProjectNotFound, NoProject),
)
async def get_model(
    access: KeyAccess,
    project: AskedProject,
    model_name: Annotated[str, Path(min_length=1, max_length=300)],
) -> Response:
    """One of them, by any name that can be asked."""
    return json_response(_shown(await subjects.describe_subject(access, project, model_name)))


def _shown(listed: Listed) -> ModelRead:
    return ModelRead(id=listed.id, created=int(listed.since.timestamp()), owned_by=listed.owner)


def _streamed(frames: AsyncIterator[bytes]) -> Response:
    return streamed(frames, _EVENT_STREAM, _STREAM_HEADERS)
