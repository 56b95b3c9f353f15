"""The conversation with a provider, server to server: the code for an access token, the token for a person.

The token is used at once and then forgotten: it is neither stored nor logged.
"""

from typing import Any

from crafter.auth.oauth.errors import LoginRefused, Reason
from crafter.auth.oauth.profiles import ExternalPerson
from crafter.auth.oauth.providers import Provider
from crafter.core.config import Settings
from crafter.core.egress import (
    EgressClient,
    EgressFailed,
    EgressPolicy,
    EgressRefused,
    EgressTimedOut,
    EgressTooLarge,
    open_client,
)
from crafter.edge.strict_json import InvalidJson, loads

_DEADLINE_SECONDS = 10.0
_MAX_BYTES = 256 * 1024
_HEADERS = {"Accept": "application/json", "User-Agent": "crafter"}

_UNREACHABLE = (EgressRefused, EgressFailed, EgressTimedOut, EgressTooLarge)


async def identify(provider: Provider, code: str, verifier: str, settings: Settings) -> ExternalPerson:
    """Whom a code stands for. Raises LoginRefused, whatever the provider did."""
    policy = EgressPolicy.parse(settings.egress_allow)
    async with open_client(policy, deadline_seconds=_DEADLINE_SECONDS, max_bytes=_MAX_BYTES) as client:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": provider.callback_url,
            "client_id": provider.client_id,
            "client_secret": provider.client_secret.get_secret_value(),
            "code_verifier": verifier,
        }
        token = _access_token(await _ask(client, "POST", provider.endpoints.token, data=form))
        bearer = {"Authorization": f"Bearer {token}"}
        said = [await _ask(client, "GET", url, headers=bearer) for url in provider.endpoints.profile]
    return provider.read_profile(*said)


async def _ask(
    client: EgressClient, method: str, url: str, *, headers: dict[str, str] | None = None, **content: Any
) -> Any:
    """The JSON of a reply with status 200."""
    try:
        reply = await client.request(method, url, headers=_HEADERS | (headers or {}), **content)
        said = loads(reply.content)
    except _UNREACHABLE as failure:
        raise LoginRefused(Reason.authentication_failed, f"the provider: {failure.code}") from None
    except InvalidJson:
        raise LoginRefused(Reason.authentication_failed, "the provider does not speak JSON") from None
    if reply.status_code != 200:
        raise LoginRefused(Reason.authentication_failed, f"the provider: status {reply.status_code}")
    return said


def _access_token(said: Any) -> str:
    """The token of a reply; GitHub also answers a refusal with status 200."""
    token = said.get("access_token") if isinstance(said, dict) else None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token:
        raise LoginRefused(Reason.authentication_failed, "the provider gave no token")
    if str(said.get("token_type")).lower() != "bearer":
        raise LoginRefused(Reason.authentication_failed, "the token is of another type")
    return token
