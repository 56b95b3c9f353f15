"""Sections 5.16 to 5.19 and 5.23: areas that are not there. A few reads answer something empty, the rest 501."""

from tests.contract.entries import AGENT, PROJECT, Entry, Refusal, Section
from tests.contract.shapes import ID, OBJECT, Each

RAG = f"{PROJECT}/rag"
VECTORS = f"{PROJECT}/vector-databases"
CHANNELS = f"/channels{AGENT}/channels"
TEMPLATES = f"{AGENT}/templates"
MAIL = f"{AGENT}/mail-accounts"
_EMPTY = "there is nothing: the area is not there"


def refused(path: str, *endpoints: str) -> tuple[Entry, ...]:
    """Endpoints below a path that are 501: ``<method> <who> <path>``, with ``UI`` in the end where it calls them."""
    entries = []
    for endpoint in endpoints:
        method, who, tail, by = (*endpoint.split(" "), "")[:4]
        entries.append(
            Entry(
                method,
                path + tail.removeprefix("."),
                who,
                by,
                status=501,
                answer={"error": str, "code": "NOT_IMPLEMENTED"},
                differs="501 `NOT_IMPLEMENTED`",
            )
        )
    return tuple(entries)


KNOWLEDGE = Section(
    "5.16 Knowledge bases",
    (
        Entry(
            "GET",
            f"{RAG}/stats",
            "viewer",
            "UI",
            answer={"success": True, "stats": {"total_documents": 0, "indexed_range": None}},
            differs=_EMPTY,
        ),
        Entry(
            "GET",
            f"{RAG}/jobs",
            "viewer",
            "UI",
            answer={"success": True, "jobs": [], "total": 0},
            differs=_EMPTY,
        ),
        Entry(
            "GET",
            f"{RAG}/jobs/{{job_id}}",
            "viewer",
            "UI",
            status=404,
            answer={"success": False, "error": "Job not found"},
            differs=_EMPTY,
        ),
        *refused(
            RAG,
            "POST member /index UI",
            "POST member /search",
            "DELETE admin /clear UI",
            "POST member /batch-index",
            "GET viewer /jobs/stats",
            "DELETE member /jobs/{job_id} UI",
            "DELETE member /documents/{document_id}",
        ),
    ),
)

VECTOR_DATABASES = Section(
    "5.17 Vector databases",
    (
        Entry(
            "GET",
            "/vector-databases/providers",
            "signed in",
            "UI",
            answer={
                "success": True,
                "providers": [
                    {
                        "id": str,
                        "name": str,
                        "description": str,
                        "config_schema": OBJECT,
                        "features": Each(str),
                        "limitations": Each(str),
                    }
                ],
            },
        ),
        Entry(
            "GET",
            VECTORS,
            "member",
            "UI",
            answer={"success": True, "configurations": []},
            differs=_EMPTY,
        ),
        *refused(
            VECTORS,
            "POST viewer . UI",
            "PUT viewer /{config_id} UI",
            "DELETE viewer /{config_id} UI",
            "POST viewer /{config_id}/test UI",
            "PUT viewer /{config_id}/default UI",
            "GET viewer /{config_id}/stats",
        ),
    ),
)

_OFF = {"enabled": False}

MESSAGING = Section(
    "5.18 Channels",
    (
        Entry(
            "GET",
            CHANNELS,
            "viewer",
            "UI",
            answer={
                "agent": ID,
                **dict.fromkeys(("whatsapp", "telegram", "email", "instagram", "messenger"), _OFF),
                "website": {"enabled": True},
            },
            refusals=(Refusal(404, "Agent not found", ids={"agent_id": "{absent_id}"}),),
            differs=_EMPTY,
        ),
        Entry(
            "GET",
            f"{CHANNELS}/enabled",
            "viewer",
            "UI",
            answer={"agent_id": ID, "enabled_channels": ["website"]},
            differs=_EMPTY,
        ),
        *refused(
            CHANNELS,
            "PUT member . UI",
            "POST member /{channel}/test UI",
            "POST member /telegram/webhook/setup UI",
            "GET viewer /telegram/webhook/info",
        ),
        *refused(
            "/channels/webhooks",
            "GET anybody /whatsapp",
            "POST anybody /whatsapp",
            "GET anybody /whatsapp/{agent_id}",
            "POST anybody /whatsapp/{agent_id}",
            "POST anybody /telegram/{agent_id}",
            "POST anybody /email/{agent_id}",
            "GET anybody /instagram",
            "POST anybody /instagram",
            "GET anybody /messenger",
            "POST anybody /messenger",
        ),
    ),
)

WHATSAPP = Section(
    "5.19 Templates",
    (
        Entry("GET", TEMPLATES, "viewer", answer=[], differs=_EMPTY),
        *refused(
            TEMPLATES,
            "POST member .",
            "POST member /sync",
            "GET viewer /{template_id}",
            "DELETE admin /{template_id}",
            "POST member /{template_id}/send",
        ),
    ),
)

MAILING = Section(
    "5.23 Mail accounts",
    (
        Entry("GET", MAIL, "viewer", answer={"count": 0, "accounts": []}, differs=_EMPTY),
        *refused(
            MAIL,
            "POST admin .",
            "GET admin /oauth/google/authorize",
            "GET admin /oauth/microsoft/authorize",
            "GET viewer /{account_id}",
            "PUT admin /{account_id}",
            "DELETE admin /{account_id}",
            *(f"POST member /{{account_id}}/{verb}" for verb in ("pause", "resume", "test", "poll")),
            "GET viewer /{account_id}/processed",
            "GET viewer /{account_id}/outbound",
            "GET viewer /{account_id}/outbound/{outbound_id}",
            "PUT member /{account_id}/outbound/{outbound_id}",
            *(
                f"POST member /{{account_id}}/outbound/{{outbound_id}}/{verb}"
                for verb in ("send", "cancel", "retry")
            ),
            "GET viewer /{account_id}/threads",
            "GET viewer /{account_id}/threads/{conversation_id}",
            "POST member /{account_id}/threads/{conversation_id}/send",
        ),
        *refused(
            "/email",
            "GET anybody /oauth/google/callback",
            "GET anybody /oauth/microsoft/callback",
            "POST anybody /webhooks/google",
            "POST anybody /webhooks/microsoft",
        ),
    ),
)
