"""Calls as the ledger has them once they are settled, and what they come to, worked out from the rows alone."""

import random
from datetime import datetime
from decimal import Decimal
from typing import Any

from bson import Decimal128

from crafter.calls.documents import Call, CallTokens, Outcome
from crafter.core.tenancy import Scope

OUTCOMES: tuple[Outcome, ...] = ("success", "success", "success", "error", "cancelled", "unknown")


def settled_call(scope: Scope, at: datetime, **fields: Any) -> Call:
    """A call that has ended, and waits to be summed up."""
    assert scope.project is not None
    given: dict[str, Any] = {
        "organization": scope.organization,
        "project": scope.project,
        "createdAt": at,
        "kind": "chat",
        "provider": "openai",
        "model": "gpt-4o-mini",
        "credential": "key-1",
        "outcome": "success",
        "folded": False,
    }
    return Call.model_validate(given | fields)


def random_call(dice: random.Random, scope: Scope, at: datetime) -> Call:
    """Any call."""
    outcome = dice.choice(OUTCOMES)
    fields: dict[str, Any] = {
        "outcome": outcome,
        "model": dice.choice(["gpt-4o-mini", "o3", "grok-4"]),
        "kind": dice.choice(["chat", "task", "prompt"]),
        "agent": dice.choice([None, "agent-1", "agent-2"]),
        "latency_ms": dice.randint(0, 90_000),
    }
    if outcome == "success":
        nano = dice.randint(0, 10**9)
        known = dice.random() < 0.8
        fields |= {
            "tokens": CallTokens(input=dice.randint(0, 9_999), output=dice.randint(0, 9_999)),
            "ttft_ms": dice.randint(0, 5_000),
        }
        if known:
            fields |= {
                "cost": Decimal128(Decimal(nano) / 10**9),
                "cost_nano": nano,
                "price_state": "known",
            }
    return settled_call(scope, at, **fields)


async def plant(call: Call) -> None:
    """Store a call."""
    await Call.within(call.scope).insert(call.to_stored())


def figures(calls: list[Call]) -> dict[str, Any]:
    """What calls come to, as it is answered."""
    count = {name: sum(call.outcome == name for call in calls) for name in set(OUTCOMES)}
    answered = count["success"] + count["error"]
    cost = format((Decimal(sum(call.cost_nano for call in calls)) / 10**9).normalize(), "f")
    return {
        "calls": len(calls),
        "succeeded": count["success"],
        "failed": count["error"],
        "cancelled": count["cancelled"],
        "unknown": count["unknown"],
        "success_rate": count["success"] / answered if answered else None,
        "tokens": {
            "input": sum(call.tokens.input for call in calls),
            "output": sum(call.tokens.output for call in calls),
            "cached": 0,
            "total": sum(call.tokens.input + call.tokens.output for call in calls),
        },
        "cost": cost,
        "unpriced_calls": sum(call.outcome == "success" and call.price_state == "unknown" for call in calls),
    }


def exact(values: list[int], share: float) -> int:
    """The percentile by nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * round(share * 100) // 100) - 1)]
