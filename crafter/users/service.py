"""Every query on people's accounts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from crafter.core.time import as_utc, utc_now
from crafter.users.documents import OAUTH_PROVIDERS, User
from crafter.users.errors import AccountGone, EmailTaken, LastAuthMethod, UserNotFound

_IDENTITY = {"email": 1, "name": 1, "tokens_valid_after": 1}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is asking."""

    id: str
    email: str
    name: str
    tokens_valid_after: datetime | None = None


async def create_user(*, email: str, password: str, name: str, strength: str) -> User:
    """Store an account; ``password`` is its hash. Raises EmailTaken: the unique index decides between racers."""
    return await _insert(User(email=email, password=password, name=name, password_strength=strength))


async def create_linked_user(
    *, email: str, name: str, avatar: str | None, provider: str, link: dict[str, Any]
) -> User:
    """Store an account without a password, whose address an OAuth provider has verified. Raises EmailTaken."""
    user = User(email=email, name=name, avatar=avatar, oauth={provider: link}, email_verified=True)
    return await _insert(user)


async def link_user(*, email: str, avatar: str | None, provider: str, link: dict[str, Any]) -> User | None:
    """Link the account of an address that an OAuth provider has verified; None when there is none.

    An avatar that is there stays.
    """
    change: dict[str, Any] = {
        f"oauth.{provider}": {"$literal": link},
        "emailVerified": True,
        "avatar": {"$ifNull": ["$avatar", {"$literal": avatar} if avatar else "$$REMOVE"]},
        "updatedAt": utc_now(),
        "revision": {"$add": [{"$ifNull": ["$revision", 0]}, 1]},
    }
    raw = await User.collection().find_one_and_update(
        {"email": {"$eq": email}}, [{"$set": change}], return_document=True
    )
    return None if raw is None else User.from_stored(raw)


async def unlink_user(user_id: str, provider: str) -> None:
    """End the link to an OAuth provider; nothing happens when there is none. Raises LastAuthMethod, AccountGone.

    The filter decides, so two that are unlinked at once cannot leave an account without a way in.
    """
    ways_in: list[dict[str, Any]] = [{"password": {"$gt": ""}}]
    ways_in += [{f"oauth.{other}.id": {"$gt": ""}} for other in OAUTH_PROVIDERS if other != provider]
    done = await User.collection().update_one(
        {"_id": user_id, "$or": ways_in},
        {"$unset": {f"oauth.{provider}": ""}, "$set": {"updatedAt": utc_now()}, "$inc": {"revision": 1}},
    )
    if done.matched_count == 0:
        await get_identity(user_id)
        raise LastAuthMethod


async def get_identity(user_id: str) -> Identity:
    """Who a verified token speaks for. Raises AccountGone."""
    raw = await User.collection().find_one({"_id": user_id}, _IDENTITY)
    if raw is None:
        raise AccountGone
    return _identity(raw)


async def get_user(user_id: str) -> User:
    """The whole account. Raises AccountGone."""
    raw = await User.collection().find_one({"_id": user_id})
    if raw is None:
        raise AccountGone
    return User.from_stored(raw)


async def find_by_email(email: str) -> User | None:
    """The account of a canonical address."""
    raw = await User.collection().find_one({"email": {"$eq": email}})
    return None if raw is None else User.from_stored(raw)


async def get_by_email(email: str) -> User:
    """The account of a canonical address. Raises UserNotFound."""
    user = await find_by_email(email)
    if user is None:
        raise UserNotFound
    return user


async def find_people(user_ids: Iterable[str]) -> dict[str, Identity]:
    """Name and address of several people, by id; those who are gone are missing."""
    wanted = list(set(user_ids))
    rows = await User.collection().find({"_id": {"$in": wanted}}, _IDENTITY).to_list()
    return {raw["_id"]: _identity(raw) for raw in rows}


async def update_user(user_id: str, changes: dict[str, Any]) -> User:
    """Set fields of an account, by their stored names. Raises AccountGone."""
    raw = await User.collection().find_one_and_update(
        {"_id": user_id},
        {"$set": {**changes, "updatedAt": utc_now()}, "$inc": {"revision": 1}},
        return_document=True,
    )
    if raw is None:
        raise AccountGone
    return User.from_stored(raw)


async def _insert(user: User) -> User:
    try:
        await User.collection().insert_one(user.to_stored())
    except DuplicateKeyError:
        raise EmailTaken from None
    return user


def _identity(raw: dict[str, Any]) -> Identity:
    """Who a stored account is; what is no text is left empty."""
    email, name = (value if isinstance(value, str) else "" for value in (raw.get("email"), raw.get("name")))
    since = raw.get("tokens_valid_after")
    return Identity(raw["_id"], email, name, as_utc(since) if isinstance(since, datetime) else None)
