"""``/organizations/{organization_id}/prices``: what models cost one organization. Those of all are the operators'."""

from collections import Counter
from collections.abc import Sequence

from starlette.responses import Response

from crafter.core.errors import ValidationFailed, documented
from crafter.core.rows import RowResult
from crafter.edge.rate_limits import GENERAL, limited
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.organizations.dependencies import CurrentAccess, require
from crafter.organizations.permissions import Permission
from crafter.prices import service as price_service
from crafter.prices.schemas import Imported, PriceImport, RowRead

router = feature_router("/organizations/{organization_id}/prices:import", tag="Models")


@router.post(
    "",
    response_model=Imported,
    dependencies=[require(Permission.models_manage), limited(GENERAL)],
    responses=documented(ValidationFailed),
)
async def import_prices(access: CurrentAccess, body: PriceImport) -> Response:
    """Add prices of the organization. Each row is stored or refused by itself; what is there already stays."""
    results = await price_service.import_prices(access.scope, body.rows, dry_run=body.dry_run)
    return json_response(imported(results, dry_run=body.dry_run))


def imported(results: Sequence[RowResult], *, dry_run: bool) -> Imported:
    """The answer to an import."""
    counts = Counter[str](result.status for result in results)
    rows = [RowRead(**result.as_dict()) for result in results]
    return Imported(dry_run=dry_run, counts=dict(counts), rows=rows)
