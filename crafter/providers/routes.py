"""``/providers``: everybody with an account reads them, operators change them."""

from starlette.responses import Response

from crafter.auth.dependencies import operator, signed_in
from crafter.auth.errors import OperatorOnly
from crafter.core.errors import StaleWrite, documented
from crafter.core.etags import IfMatch, etag
from crafter.core.ids import EntityId
from crafter.core.runtime import CurrentRuntime, Runtime
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.organizations.schemas import Done
from crafter.providers import presentation
from crafter.providers import service as provider_service
from crafter.providers.dependencies import CurrentProvider
from crafter.providers.documents import Provider
from crafter.providers.errors import ProviderExists, ProviderInUse, ProviderNotFound
from crafter.providers.schemas import ProviderInput, ProviderModels, ProviderRead, ProvidersRefreshed

router = feature_router("/providers", tag="Providers")


@router.get("", response_model=list[ProviderRead], dependencies=[signed_in])
async def list_providers(runtime: CurrentRuntime) -> Response:
    """All providers, by name."""
    providers = await provider_service.list_providers()
    return json_response([presentation.show(provider, runtime.settings) for provider in providers])


@router.post(
    "/refresh",
    response_model=ProvidersRefreshed,
    dependencies=[operator],
    responses=documented(OperatorOnly),
)
async def refresh_providers(runtime: CurrentRuntime) -> Response:
    """Reset the default providers to the models that ship with Crafter. Operators only."""
    providers = await provider_service.refresh_providers()
    body = ProvidersRefreshed(
        message="Default providers refreshed successfully",
        providers=[presentation.show(provider, runtime.settings) for provider in providers],
    )
    return json_response(body)


@router.post(
    "",
    response_model=ProviderRead,
    status_code=201,
    dependencies=[operator],
    responses=documented(OperatorOnly, ProviderExists),
)
async def create_provider(body: ProviderInput, runtime: CurrentRuntime) -> Response:
    """Add a provider. Operators only."""
    return _answer(await provider_service.create_provider(body), runtime, 201)


@router.get(
    "/{provider_id}",
    response_model=ProviderRead,
    dependencies=[signed_in],
    responses=documented(ProviderNotFound),
)
async def get_provider(provider: CurrentProvider, runtime: CurrentRuntime) -> Response:
    """One provider."""
    return _answer(provider, runtime)


@router.get(
    "/{provider_id}/models",
    response_model=ProviderModels,
    dependencies=[signed_in],
    responses=documented(ProviderNotFound),
)
async def list_models(provider: CurrentProvider) -> Response:
    """The models of one provider."""
    return json_response(ProviderModels(provider=provider.name, models=provider.models))


@router.put(
    "/{provider_id}",
    response_model=ProviderRead,
    dependencies=[operator],
    responses=documented(OperatorOnly, ProviderNotFound, ProviderExists, StaleWrite),
)
async def update_provider(
    provider_id: EntityId, body: ProviderInput, revision: IfMatch, runtime: CurrentRuntime
) -> Response:
    """Replace the name and the models; models that are left out are retired. Operators only."""
    return _answer(await provider_service.update_provider(provider_id, body, revision), runtime)


@router.delete(
    "/{provider_id}",
    response_model=Done,
    dependencies=[operator],
    responses=documented(OperatorOnly, ProviderNotFound, ProviderInUse, StaleWrite),
)
async def delete_provider(provider_id: EntityId, revision: IfMatch) -> Response:
    """Delete a provider that no API key belongs to. Operators only."""
    await provider_service.delete_provider(provider_id, revision)
    return json_response(Done(message="Provider deleted successfully"))


def _answer(provider: Provider, runtime: Runtime, status: int = 200) -> Response:
    body = presentation.show(provider, runtime.settings)
    return json_response(body, status, {"ETag": etag(provider.revision)})
