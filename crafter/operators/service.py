"""Every query and every rule about operators of other systems."""

from typing import Any

from pymongo.errors import DuplicateKeyError

from crafter.core.tenancy import Scope
from crafter.operators.documents import ExternalOperator, OperatorStatus
from crafter.operators.errors import OperatorNotFound
from crafter.operators.schemas import OperatorPut, OperatorRead
from crafter.projects.documents import Project


async def put_operator(project: Project, given: OperatorPut) -> OperatorRead:
    """Make an operator, or change the one with that id; the unique index decides between racers who both make it."""
    fields = given.given()
    changed = await _change(project.scope, given.external_id, fields)
    if changed is not None:
        return changed
    operator = ExternalOperator(organization=project.organization, project=project.id, **fields)
    try:
        await ExternalOperator.within(project.scope).insert(operator.to_stored())
    except DuplicateKeyError:
        changed = await _change(project.scope, given.external_id, fields)
        if changed is None:
            raise
        return changed
    return OperatorRead.from_stored(operator.to_stored())


async def list_operators(
    scope: Scope, *, status: str | None, skill: str | None, limit: int = 1_000
) -> list[OperatorRead]:
    """A project's operators by name: those with this status, and this among their skills, if given."""
    asked = {"status": status, "skills": skill}
    where = {field: {"$eq": value} for field, value in asked.items() if value is not None}
    rows = await ExternalOperator.within(scope).find(where, sort=[("name", 1)], limit=limit)
    return [OperatorRead.from_stored(row) for row in rows]


async def get_operator(scope: Scope, external_id: str) -> OperatorRead:
    """One operator. Raises OperatorNotFound."""
    raw = await ExternalOperator.within(scope).find_one({"external_id": {"$eq": external_id}})
    if raw is None:
        raise OperatorNotFound
    return OperatorRead.from_stored(raw)


async def set_status(scope: Scope, external_id: str, status: OperatorStatus) -> OperatorRead:
    """Say whether an operator is there. Raises OperatorNotFound."""
    changed = await _change(scope, external_id, {"status": status})
    if changed is None:
        raise OperatorNotFound
    return changed


async def set_statuses(scope: Scope, external_ids: list[str] | None, status: OperatorStatus) -> int:
    """Say whether several operators are there, or all of the project; answers how many there are."""
    where: dict[str, Any] = {} if external_ids is None else {"external_id": {"$in": external_ids}}
    return await ExternalOperator.within(scope).update_many(where, {"$set": {"status": status}})


async def delete_operator(scope: Scope, external_id: str) -> None:
    """Forget an operator. Raises OperatorNotFound."""
    if not await ExternalOperator.within(scope).delete_one({"external_id": {"$eq": external_id}}):
        raise OperatorNotFound


async def is_anybody_online(scope: Scope) -> bool:
    """Whether an operator of the project is there."""
    return await ExternalOperator.within(scope).exists({"status": "online"})


async def _change(scope: Scope, external_id: str, fields: dict[str, Any]) -> OperatorRead | None:
    raw = await ExternalOperator.within(scope).change_one(
        {"external_id": {"$eq": external_id}}, {"$set": fields}
    )
    return None if raw is None else OperatorRead.from_stored(raw)
