"""The one table of routes that answer 501: every route of an area that is not there, and whom it would admit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from crafter.organizations.permissions import Permission, Role

PROJECT = "/organizations/{organization_id}/projects/{project_id}"
AGENT = f"{PROJECT}/agents/{{agent_id}}"

RAG = f"{PROJECT}/rag"
VECTOR_DATABASES = f"{PROJECT}/vector-databases"
CHANNELS = f"/channels{AGENT}/channels"
TEMPLATES = f"{AGENT}/templates"
MAIL_ACCOUNTS = f"{AGENT}/mail-accounts"

Route = tuple[str, str, Role | None]
"""Method, path below that of the area, and the lowest role that is admitted; None admits everybody."""

viewer, member, admin = Role


class Within(StrEnum):
    """What the path of an area leads through, and what therefore must exist."""

    nothing = "nothing"
    project = "project"
    agent = "agent"


@dataclass(frozen=True, slots=True)
class Area:
    """Routes that belong together. ``sentence`` says what is missing, ``details`` are members of the body."""

    tag: str
    path: str
    within: Within
    sentence: str
    routes: tuple[Route, ...]
    details: Mapping[str, Any] = field(default_factory=dict)


PERMISSIONS: Mapping[Within, Mapping[Role, Permission]] = {
    Within.project: {
        viewer: Permission.projects_read,
        member: Permission.projects_manage,
        admin: Permission.projects_delete,
    },
    Within.agent: {
        viewer: Permission.agents_read,
        member: Permission.agents_manage,
        admin: Permission.agents_delete,
    },
}
"""What each role is recognised by; an area that is not there needs no permissions of its own."""

_MARKED = {"success": False}

AREAS: tuple[Area, ...] = (
    Area(
        tag="Knowledge bases",
        path=RAG,
        within=Within.project,
        sentence="Knowledge bases are not implemented: documents can neither be indexed nor searched.",
        details=_MARKED,
        routes=(
            ("POST", "/index", member),
            ("POST", "/search", member),
            ("DELETE", "/clear", admin),
            ("POST", "/batch-index", member),
            ("GET", "/jobs/stats", viewer),
            ("DELETE", "/jobs/{job_id}", member),
            ("DELETE", "/documents/{document_id}", member),
        ),
    ),
    Area(
        tag="Vector databases",
        path=VECTOR_DATABASES,
        within=Within.project,
        sentence="Vector databases are not implemented: a configuration can neither be kept nor tested.",
        details=_MARKED,
        routes=(
            ("POST", "", viewer),
            ("PUT", "/{config_id}", viewer),
            ("DELETE", "/{config_id}", viewer),
            ("POST", "/{config_id}/test", viewer),
            ("PUT", "/{config_id}/default", viewer),
            ("GET", "/{config_id}/stats", viewer),
        ),
    ),
    Area(
        tag="Channels",
        path=CHANNELS,
        within=Within.agent,
        sentence="Messaging channels are not implemented: an agent can only be reached from a website.",
        routes=(
            ("PUT", "", member),
            ("POST", "/{channel}/test", member),
            ("POST", "/telegram/webhook/setup", member),
            ("GET", "/telegram/webhook/info", viewer),
        ),
    ),
    Area(
        tag="Channels",
        path="/channels/webhooks",
        within=Within.nothing,
        sentence="Messaging channels are not implemented: messages from them are not taken.",
        routes=(
            ("GET", "/whatsapp", None),
            ("POST", "/whatsapp", None),
            ("GET", "/whatsapp/{agent_id}", None),
            ("POST", "/whatsapp/{agent_id}", None),
            ("POST", "/telegram/{agent_id}", None),
            ("POST", "/email/{agent_id}", None),
            ("GET", "/instagram", None),
            ("POST", "/instagram", None),
            ("GET", "/messenger", None),
            ("POST", "/messenger", None),
        ),
    ),
    Area(
        tag="Templates",
        path=TEMPLATES,
        within=Within.agent,
        sentence="Templates are not implemented: they belong to WhatsApp, which is not there.",
        routes=(
            ("POST", "", member),
            ("POST", "/sync", member),
            ("GET", "/{template_id}", viewer),
            ("DELETE", "/{template_id}", admin),
            ("POST", "/{template_id}/send", member),
        ),
    ),
    Area(
        tag="Mail accounts",
        path=MAIL_ACCOUNTS,
        within=Within.agent,
        sentence="Mail accounts are not implemented: an agent can neither receive nor send mail.",
        routes=(
            ("POST", "", admin),
            ("GET", "/oauth/google/authorize", admin),
            ("GET", "/oauth/microsoft/authorize", admin),
            ("GET", "/{account_id}", viewer),
            ("PUT", "/{account_id}", admin),
            ("DELETE", "/{account_id}", admin),
            ("POST", "/{account_id}/pause", member),
            ("POST", "/{account_id}/resume", member),
            ("POST", "/{account_id}/test", member),
            ("POST", "/{account_id}/poll", member),
            ("GET", "/{account_id}/processed", viewer),
            ("GET", "/{account_id}/outbound", viewer),
            ("GET", "/{account_id}/outbound/{outbound_id}", viewer),
            ("PUT", "/{account_id}/outbound/{outbound_id}", member),
            ("POST", "/{account_id}/outbound/{outbound_id}/send", member),
            ("POST", "/{account_id}/outbound/{outbound_id}/cancel", member),
            ("POST", "/{account_id}/outbound/{outbound_id}/retry", member),
            ("GET", "/{account_id}/threads", viewer),
            ("GET", "/{account_id}/threads/{conversation_id}", viewer),
            ("POST", "/{account_id}/threads/{conversation_id}/send", member),
        ),
    ),
    Area(
        tag="Mail accounts",
        path="/email",
        within=Within.nothing,
        sentence="Mail accounts are not implemented: nothing was asked of a mail provider.",
        routes=(
            ("GET", "/oauth/google/callback", None),
            ("GET", "/oauth/microsoft/callback", None),
            ("POST", "/webhooks/google", None),
            ("POST", "/webhooks/microsoft", None),
        ),
    ),
)
