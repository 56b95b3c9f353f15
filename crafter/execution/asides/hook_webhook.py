"""The call that a hook makes to its webhook: signed, once, within ten seconds."""

import hmac
import json
from collections.abc import Mapping
from typing import Any

from crafter.agents.documents import Agent, AgentHook
from crafter.agents.secrets import HOOKS, secret_place
from crafter.core.egress import EgressPolicy, open_client
from crafter.core.runtime import Runtime
from crafter.execution.asides.errors import WebhookRefused

DEADLINE_SECONDS = 10.0

_MAX_REPLY_BYTES = 64 * 1024


def signature(body: bytes, secret: str) -> str:
    """The value of ``X-Webhook-Signature``: the HMAC-SHA256 of the bytes that are sent, in hex, without a prefix."""
    return hmac.new(secret.encode(), body, "sha256").hexdigest()


async def deliver(agent: Agent, hook: AgentHook, notice: Mapping[str, Any], runtime: Runtime) -> None:
    """Post a notice. Raises WebhookRefused, SecretUnreadable, and what calls of ``open_client`` raise."""
    body = json.dumps(notice).encode()
    headers = {"Content-Type": "application/json"}
    if hook.webhook_secret:
        secret = runtime.keyring.decrypt(hook.webhook_secret, secret_place(agent, HOOKS))
        headers["X-Webhook-Signature"] = signature(body, secret)
    policy = EgressPolicy.parse(runtime.settings.tenant_egress_allow)
    async with open_client(policy, deadline_seconds=DEADLINE_SECONDS, max_bytes=_MAX_REPLY_BYTES) as client:
        reply = await client.post(hook.webhook_url or "", content=body, headers=headers)
    if not reply.is_success:
        raise WebhookRefused(f"The webhook answered with the status {reply.status_code}.")
