"""A login with a provider, from the first redirect to the last."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

import structlog
from pymongo.errors import DuplicateKeyError

from crafter.auth.domains import is_domain_allowed
from crafter.auth.oauth.documents import UsedTicket
from crafter.auth.oauth.errors import LoginRefused, OAuthDisabled, ProviderNotConfigured, Reason
from crafter.auth.oauth.exchange import identify
from crafter.auth.oauth.profiles import ExternalPerson
from crafter.auth.oauth.providers import Provider, ProviderName, find_provider
from crafter.auth.oauth.tickets import LIFETIME, Ticket, new_ticket, seal, unseal
from crafter.auth.tokens import issue_token
from crafter.core.config import Settings
from crafter.users import service as user_service
from crafter.users.documents import User
from crafter.users.errors import EmailTaken

log = structlog.get_logger("crafter.oauth")


@dataclass(frozen=True, slots=True)
class Departure:
    """Where the browser goes, and the sealed ticket that it has to bring back."""

    url: str
    ticket: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider sends back with the browser; ``code`` is empty when it, or the person, refused."""

    state: str
    code: str


def get_provider(name: ProviderName, settings: Settings) -> Provider:
    """A provider that people can sign in with. Raises OAuthDisabled and ProviderNotConfigured."""
    if "oauth" not in settings.auth_methods:
        raise OAuthDisabled(enabledMethods=settings.auth_methods)
    provider = find_provider(name, settings)
    if provider is None:
        raise ProviderNotConfigured
    return provider


def begin_login(provider: Provider, settings: Settings, now: datetime) -> Departure:
    """Begin a login."""
    ticket = new_ticket(provider.name, now)
    question = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": provider.callback_url,
        "scope": provider.scope,
        "state": ticket.state,
        "code_challenge": ticket.challenge,
        "code_challenge_method": "S256",
    }
    return Departure(f"{provider.endpoints.authorize}?{urlencode(question)}", seal(ticket, settings))


async def finish_login(
    provider: Provider, answer: Answer, sealed_ticket: str | None, settings: Settings, now: datetime
) -> str:
    """Where the browser goes at the end: a page of the web UI, with an access token or with a reason."""
    try:
        person = await _identify(provider, answer, sealed_ticket, settings)
        user = await _admit(provider, person, settings)
    except LoginRefused as refused:
        log.info("oauth_login_refused", provider=provider.name, reason=refused.reason, why=refused.why)
        return failure_url(refused.reason, settings)
    token = urlencode({"token": issue_token(user.id, settings, now)})
    return f"{settings.frontend_url}/auth/success?{token}"


def failure_url(reason: Reason, settings: Settings) -> str:
    """The web UI's page that explains why a login ended."""
    return f"{settings.frontend_url}/auth/error?{urlencode({'message': reason})}"


async def _identify(
    provider: Provider, answer: Answer, sealed_ticket: str | None, settings: Settings
) -> ExternalPerson:
    """Who came back. Raises LoginRefused."""
    ticket = unseal(sealed_ticket, provider.name, settings)
    if not ticket.answers(answer.state):
        raise LoginRefused(Reason.login_failed, "the answer belongs to another login")
    await _use(ticket)
    if not answer.code:
        raise LoginRefused(Reason.login_failed, "the provider sent no code")
    return await identify(provider, answer.code, ticket.verifier, settings)


async def _use(ticket: Ticket) -> None:
    """Let no answer come to this login again. The ``_id`` decides, so of two at once one goes on."""
    kept_until = ticket.expires_at + LIFETIME  # longer than it is valid: the database has a clock of its own
    used = UsedTicket(id=ticket.fingerprint, expires_at=kept_until)
    try:
        await UsedTicket.collection().insert_one(used.to_stored())
    except DuplicateKeyError:
        raise LoginRefused(Reason.login_failed, "the login has come back before") from None


async def _admit(provider: Provider, person: ExternalPerson, settings: Settings) -> User:
    """The account of the person's address, linked to the provider; made when there is none. Raises LoginRefused."""
    if not is_domain_allowed(person.email, settings):
        raise LoginRefused(Reason.domain_not_allowed, "the domain is not allowed")
    if user := await _link(provider, person):
        return user
    if settings.disable_signup:
        raise LoginRefused(Reason.signup_disabled, "signup is disabled")
    try:
        return await user_service.create_linked_user(
            email=person.email,
            name=person.name,
            avatar=person.avatar,
            provider=provider.name,
            link=person.link,
        )
    except EmailTaken:  # somebody else made the account just now
        user = await _link(provider, person)
        if user is None:
            raise LoginRefused(Reason.authentication_failed, "the account is gone again") from None
        return user


async def _link(provider: Provider, person: ExternalPerson) -> User | None:
    return await user_service.link_user(
        email=person.email, avatar=person.avatar, provider=provider.name, link=person.link
    )
