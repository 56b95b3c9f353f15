"""The operators of a project, for the organization's members."""

from typing import Annotated

from fastapi import Path, Query
from starlette.responses import Response

from crafter.core.errors import documented
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.operators import service as operator_service
from crafter.operators.documents import OperatorStatus
from crafter.operators.errors import OperatorNotFound
from crafter.operators.schemas import (
    BulkStatusChange,
    OperatorAnswer,
    OperatorDeleted,
    OperatorList,
    OperatorPut,
    OperatorsChanged,
    StatusChange,
)
from crafter.organizations.dependencies import require
from crafter.organizations.permissions import Permission
from crafter.projects.dependencies import CurrentProject

router = feature_router(
    "/handoffs/organizations/{organization_id}/projects/{project_id}/operators", tag="Handoffs"
)

ExternalId = Annotated[str, Path(max_length=200)]
Skill = Annotated[str | None, Query(max_length=200)]

_READ = require(Permission.operators_read)
_MANAGE = require(Permission.operators_manage)


@router.put("", response_model=OperatorAnswer, dependencies=[_MANAGE])
async def put_operator(project: CurrentProject, body: OperatorPut) -> Response:
    """Make an operator, or change the one with that external id."""
    return json_response(OperatorAnswer(operator=await operator_service.put_operator(project, body)))


@router.get("", response_model=OperatorList, dependencies=[_READ])
async def list_operators(
    project: CurrentProject, status: OperatorStatus | None = None, skill: Skill = None
) -> Response:
    """The operators of a project by name."""
    found = await operator_service.list_operators(project.scope, status=status, skill=skill)
    return json_response(OperatorList(operators=found))


@router.patch("/bulk/status", response_model=OperatorsChanged, dependencies=[_MANAGE])
async def set_statuses(project: CurrentProject, body: BulkStatusChange) -> Response:
    """Say whether several operators are there, or all of them."""
    count = await operator_service.set_statuses(project.scope, body.operator_ids, body.status)
    return json_response(OperatorsChanged(modified_count=count))


@router.get(
    "/{external_id}",
    response_model=OperatorAnswer,
    dependencies=[_READ],
    responses=documented(OperatorNotFound),
)
async def get_operator(project: CurrentProject, external_id: ExternalId) -> Response:
    """One operator."""
    found = await operator_service.get_operator(project.scope, external_id)
    return json_response(OperatorAnswer(operator=found))


@router.patch(
    "/{external_id}/status",
    response_model=OperatorAnswer,
    dependencies=[_MANAGE],
    responses=documented(OperatorNotFound),
)
async def set_status(project: CurrentProject, external_id: ExternalId, body: StatusChange) -> Response:
    """Say whether an operator is there."""
    changed = await operator_service.set_status(project.scope, external_id, body.status)
    return json_response(OperatorAnswer(operator=changed))


@router.delete(
    "/{external_id}",
    response_model=OperatorDeleted,
    dependencies=[_MANAGE],
    responses=documented(OperatorNotFound),
)
async def delete_operator(project: CurrentProject, external_id: ExternalId) -> Response:
    """Forget an operator; what they said stays."""
    await operator_service.delete_operator(project.scope, external_id)
    return json_response(OperatorDeleted())
