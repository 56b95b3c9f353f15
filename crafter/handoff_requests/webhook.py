"""The call that tells an agent's webhook about a handoff: signed, once, within ten seconds."""

import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog

from crafter.agents.documents import Agent
from crafter.agents.secrets import HANDOFF, secret_place
from crafter.core.egress import EgressPolicy, open_client
from crafter.core.errors import CrafterError
from crafter.core.runtime import Runtime
from crafter.core.time import wire_time

DEADLINE_SECONDS = 10.0

_MAX_REPLY_BYTES = 64 * 1024

log = structlog.get_logger("crafter.handoffs")


def signature(body: bytes, secret: str) -> str:
    """The value of ``X-Webhook-Signature``: ``sha256=`` and the HMAC of the bytes that are sent, in hex."""
    return "sha256=" + hmac.new(secret.encode(), body, "sha256").hexdigest()


async def notify(
    agent: Agent, address: str, notice: Mapping[str, Any], at: datetime, runtime: Runtime
) -> None:
    """Post a notice. What the other side, or a secret that does not open, is to blame for is logged, not raised."""
    body = json.dumps({**notice, "timestamp": wire_time(at)}).encode()
    policy = EgressPolicy.parse(runtime.settings.tenant_egress_allow)
    try:
        headers = {"Content-Type": "application/json", **_signed(agent, body, runtime)}
        async with open_client(
            policy, deadline_seconds=DEADLINE_SECONDS, max_bytes=_MAX_REPLY_BYTES
        ) as client:
            reply = await client.post(address, content=body, headers=headers)
    except CrafterError as error:
        log.warning("handoff_webhook_failed", agent=agent.id, code=error.code)
        return
    if not reply.is_success:
        log.warning("handoff_webhook_failed", agent=agent.id, status=reply.status_code)


def _signed(agent: Agent, body: bytes, runtime: Runtime) -> dict[str, str]:
    """The signature, where the agent has a secret. Raises SecretUnreadable."""
    stored = agent.config.handoff_config.webhook_secret
    if not stored:
        return {}
    secret = runtime.keyring.decrypt(stored, secret_place(agent, HANDOFF))
    return {"X-Webhook-Signature": signature(body, secret)}
