"""Every query on people's accounts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pymongo.errors import DuplicateKeyError

from crafter.core.time import utc_now
from crafter.users.documents import User
from crafter.users.errors import AccountGone, EmailTaken, UserNotFound

_IDENTITY = {"email": 1, "name": 1}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is asking."""

    id: str
    email: str
    name: str


async def create_user(*, email: str, password: str, name: str, strength: str) -> User:
    """Store an account; ``password`` is its hash. Raises EmailTaken: the unique index decides between racers."""
    user = User(email=email, password=password, name=name, password_strength=strength)
    try:
        await User.collection().insert_one(user.to_stored())
    except DuplicateKeyError:
        raise EmailTaken from None
    return user


async def get_identity(user_id: str) -> Identity:
    """Who a verified token speaks for. Raises AccountGone."""
    raw = await User.collection().find_one({"_id": user_id}, _IDENTITY)
    if raw is None:
        raise AccountGone
    return Identity(user_id, str(raw.get("email", "")), str(raw.get("name", "")))


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
    return {
        raw["_id"]: Identity(raw["_id"], str(raw.get("email", "")), str(raw.get("name", ""))) for raw in rows
    }


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
