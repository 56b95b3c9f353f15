"""A small database as the Node server leaves it: shapes and values of its own, some of them old or broken."""

from datetime import UTC, datetime
from typing import Any

from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase

from tests.factories import PASSWORD_HASH

Db = AsyncDatabase[dict[str, Any]]

ENCRYPTION_KEY = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
ENCRYPTED_KEY = "U2FsdGVkX1+nC7MItJ8CE0/RAcmNhYT/PJbBmGBk2WY="
"""``sk-test-1234`` under that key, as crypto-js wrote it."""
ENCRYPTED_MESSAGE = "U2FsdGVkX1/HO2r0dWSsXNIuIsJZb8uEaZPE8z+Ljcs="
"""``from-openssl-ü`` under that key."""

USER = "4095abbf-e608-4c57-bbe5-318f14dfe32a"
ORGANIZATION = "f68624cb-1cae-4fdc-9ff0-18e35c4f655b"
PROJECT = "75cdd545-bc91-4fb1-bc39-34201269347d"
PROVIDER = "a289fdf4-1e96-4613-af9c-a9901aea8170"
KEY = "005c6533-f895-4471-a3e3-a26d1e4ed0c1"
PLAIN_KEY = "115c6533-f895-4471-a3e3-a26d1e4ed0c1"
AGENT = "50ee11d3-0879-455b-92d1-f99ad99bf525"
OLD_AGENT = "61ee11d3-0879-455b-92d1-f99ad99bf525"
CONVERSATION = "47b33da0-70dc-4348-9b15-497ea013b29f"
ENCRYPTED_CONVERSATION = "58b33da0-70dc-4348-9b15-497ea013b29f"
EMAIL = "alicesmith@gmail.com"

_AT = datetime(2026, 1, 31, 9, 15, tzinfo=UTC)
_TIMES = {"createdAt": _AT, "updatedAt": _AT, "__v": 0}


async def write_node_database(db: Db) -> None:
    """Fill an empty database."""
    await db.users.insert_one(
        {
            "_id": USER,
            "email": EMAIL,
            "password": PASSWORD_HASH,
            "name": "Alice Smith",
            "passwordStrength": "very-strong",
            "oauth": {"google": {"verified": False}},
            "emailVerified": False,
            **_TIMES,
        }
    )
    await db.organizations.insert_one(
        {
            "_id": ORGANIZATION,
            "name": "Acme",
            "owner": USER,
            "members": [{"_id": ObjectId(), "user": USER, "role": "admin"}],
            **_TIMES,
        }
    )
    await db.projects.insert_one({"_id": PROJECT, "name": "P1", "organization": ORGANIZATION, **_TIMES})
    await db.providers.insert_one(
        {"_id": PROVIDER, "name": "openai", "models": ["gpt-4o", "gpt-4o-mini"], **_TIMES}
    )
    for key, stored in ((KEY, ENCRYPTED_KEY), (PLAIN_KEY, "sk-plain-legacy-0123456789")):
        await db.apikeys.insert_one(
            {
                "_id": key,
                "name": "k",
                "key": stored,
                "provider": PROVIDER,
                "project": PROJECT,
                "is_active": True,
                "usage": {
                    "total_tokens": 30,
                    "total_cost": 8.46e-06,
                    "usage_by_model": [
                        {
                            "_id": ObjectId(),
                            "model": "gpt-4o-mini",
                            "input_tokens": 10,
                            "output_tokens": 5,
                            "cost": 4.23e-06,
                        },
                        {
                            "_id": ObjectId(),
                            "model": "gpt-4o-mini",
                            "input_tokens": 10,
                            "output_tokens": 5,
                            "cost": 4.23e-06,
                        },
                    ],
                },
                **_TIMES,
            }
        )
    await _write_agents(db)
    await _write_conversations(db)


async def _write_agents(db: Db) -> None:
    common = {
        "type": "chatbot",
        "organization": ORGANIZATION,
        "project": PROJECT,
        "system_prompt": "You are kind.",
        "llm_settings": {"model": "gpt-4o-mini", "parameters": {"temperature": 0.7, "max_tokens": 1000}},
        **_TIMES,
    }
    await db.agents.insert_one(
        {
            **common,
            "_id": AGENT,
            "name": "bot-1",
            "description": "",
            "api_key": KEY,
            "is_active": True,
            "version": 3,
            "tools": [{"_id": ObjectId(), "name": "calculator", "description": "d", "enabled": True}],
            "config": {"max_conversation_length": 50, "enable_streaming": True},
            "hooks": [],
            "legacy_field": "kept",
        }
    )
    await db.agents.insert_one({**common, "_id": OLD_AGENT, "name": "bot-0", "api_key": "gone", "__v": 7})


async def _write_conversations(db: Db) -> None:
    def message(role: str, content: str, **more: Any) -> dict[str, Any]:
        return {
            "_id": ObjectId(),
            "role": role,
            "content": content,
            "timestamp": _AT,
            "thinking_process": [],
            "tools_used": [],
            "is_summarized": False,
            "code": None,
            "channel_info": {"media": []},
            **more,
        }

    common = {
        "agent": AGENT,
        "user_identifier": "user-123",
        "title": "An old one",
        "channel": "website",
        "status": "agent_controlled",
        "current_handler": "agent",
        "metadata": {
            "total_tokens_used": 30,
            "total_cost": 8.46e-06,
            "last_activity": _AT,
            "last_summary_index": -1,
        },
        "created_at": _AT,
        "updated_at": _AT,
        "__v": 2,
    }
    usage = {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30, "cost": 8.46e-06}
    await db.conversations.insert_one(
        {
            **common,
            "_id": CONVERSATION,
            "messages": [
                message("user", "Do you remember me?"),
                message("assistant", "Of course, Alice.", token_usage=usage),
            ],
        }
    )
    await db.conversations.insert_one(
        {
            **common,
            "_id": ENCRYPTED_CONVERSATION,
            "gdpr": {"encrypt_messages": True},
            "messages": [message("user", ENCRYPTED_MESSAGE), message("system", "plain in between")],
        }
    )
