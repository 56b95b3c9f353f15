"""References between tenant documents, declared once on the documents that hold them.

From the declarations follows who depends on what: :func:`find_dependants` answers it before something is deleted.
"""

from typing import Any

from crafter.core.documents import Reference, TenantDocument
from crafter.core.tenancy import Scope

_SHOWN = 20


def all_tenant_documents() -> list[type[TenantDocument]]:
    """Every class of tenant document that has a collection, by the collection's name."""
    found: dict[str, type[TenantDocument]] = {}
    queue: list[type[TenantDocument]] = [TenantDocument]
    while queue:
        for model in queue.pop().__subclasses__():
            queue.append(model)
            name = getattr(getattr(model, "Settings", None), "name", None)
            if name:
                found[name] = model
    return [found[name] for name in sorted(found)]


async def find_dependants(scope: Scope, target: str, target_id: str) -> list[dict[str, Any]]:
    """What stands in the way of deleting a document: ``[{"type", "count", "items": [{"id", "name"}]}]``.

    Only references that restrict deletion count; at most 20 items of a type are shown, and at most 1,000 counted.
    """
    dependants = []
    for model in all_tenant_documents():
        for reference in model.references:
            if reference.target == target and reference.restricts:
                dependants += await _of_one(model, reference, Scope(scope.organization), target_id)
    return dependants


async def is_there(scope: Scope, target: str, target_id: str) -> bool:
    """Whether a collection has a document of this id within the scope."""
    model = next(model for model in all_tenant_documents() if model.Settings.name == target)
    return await model.within(scope).exists({"_id": target_id})


async def _of_one(
    model: type[TenantDocument], reference: Reference, scope: Scope, target_id: str
) -> list[dict[str, Any]]:
    documents = model.within(scope)
    where = {reference.field: target_id}
    rows = await documents.find(where, fields={"name": 1, "title": 1}, limit=_SHOWN)
    if not rows:
        return []
    count = len(rows) if len(rows) < _SHOWN else await documents.count(where, limit=1_000)
    items = [{"id": row["_id"], "name": row.get("name") or row.get("title") or row["_id"]} for row in rows]
    return [{"type": model.Settings.name, "count": count, "items": items}]
