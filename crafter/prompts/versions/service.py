"""Every query and every rule about the versions of prompts: kept, listed, named with labels."""

from contextlib import suppress

from pymongo.errors import DuplicateKeyError

from crafter.core.pagination import CursorPage, CursorSigner
from crafter.prompts.documents import MAX_LABELS, Prompt, PromptVersion
from crafter.prompts.errors import LabelNotFound, PromptNotFound, PromptVersionNotFound, TooManyLabels

_LABELS = {"$objectToArray": {"$ifNull": ["$labels", {}]}}


async def list_versions(
    prompt: Prompt, page: CursorPage, cursors: CursorSigner
) -> tuple[list[PromptVersion], str | None]:
    """A page of a prompt's versions, the newest first, and the cursor of the next one. Raises ValidationFailed."""
    listing = {"list": "prompt_versions", "prompt": prompt.id, **prompt.scope.as_filter()}
    versions: list[PromptVersion] = []
    before = prompt.version
    if page.cursor is None:
        versions.append(PromptVersion.of(prompt))
    else:
        [before] = cursors.open(page.cursor, listing)
    rows = await PromptVersion.within(prompt.scope).find(
        {"prompt": prompt.id, "number": {"$lt": before}},
        sort=(("number", -1),),
        limit=page.limit + 1 - len(versions),
    )
    versions += [PromptVersion.from_stored(row) for row in rows]
    if len(versions) <= page.limit:
        return versions, None
    versions = versions[: page.limit]
    return versions, cursors.seal([versions[-1].number], listing)


async def get_version(prompt: Prompt, number: int) -> PromptVersion:
    """One version of a prompt. Raises PromptVersionNotFound."""
    if number == prompt.version:
        return PromptVersion.of(prompt)
    raw = None
    if number < prompt.version:
        raw = await PromptVersion.within(prompt.scope).find_one({"prompt": prompt.id, "number": number})
    if raw is None:
        raise PromptVersionNotFound
    return PromptVersion.from_stored(raw)


async def at_version(prompt: Prompt, number: int) -> Prompt:
    """The prompt as it was in a version. Raises PromptVersionNotFound."""
    return (await get_version(prompt, number)).applied_to(prompt)


async def at_label(prompt: Prompt, label: str) -> Prompt:
    """The prompt as it was in the version that has the label. Raises LabelNotFound."""
    number = prompt.labels.get(label)
    if number is None:
        raise LabelNotFound
    return await at_version(prompt, number)


async def chosen(prompt: Prompt, label: str | None, number: int | None) -> Prompt:
    """The prompt as it was in a version that was asked for by label or by number; else as it is.

    Raises LabelNotFound and PromptVersionNotFound.
    """
    if label is not None:
        return await at_label(prompt, label)
    return prompt if number is None else await at_version(prompt, number)


async def set_label(prompt: Prompt, label: str, number: int) -> Prompt:
    """Give a version a label, which no other version has from then on; in one step, so it is always on one of them.

    Raises PromptVersionNotFound, PromptNotFound and TooManyLabels.
    """
    await get_version(prompt, number)
    room = {"$expr": {"$lt": [{"$size": _LABELS}, MAX_LABELS]}}
    where = {"_id": prompt.id, "$or": [{f"labels.{label}": {"$exists": True}}, room]}
    raw = await Prompt.within(prompt.scope).change_one(where, {"$set": {f"labels.{label}": number}})
    if raw is not None:
        return Prompt.from_stored(raw)
    if not await Prompt.within(prompt.scope).exists({"_id": prompt.id}):
        raise PromptNotFound
    raise TooManyLabels


async def remove_label(prompt: Prompt, label: str) -> Prompt:
    """Take a label away; the version stays. Raises LabelNotFound."""
    path = f"labels.{label}"
    raw = await Prompt.within(prompt.scope).change_one(
        {"_id": prompt.id, path: {"$exists": True}}, {"$unset": {path: ""}}
    )
    if raw is None:
        raise LabelNotFound
    return Prompt.from_stored(raw)


async def keep(prompt: Prompt) -> None:
    """Keep the current version; of several who do, one does."""
    with suppress(DuplicateKeyError):
        await PromptVersion.within(prompt.scope).insert(PromptVersion.of(prompt).to_stored())


async def forget(prompt: Prompt) -> None:
    """Delete the earlier versions of a prompt that was deleted."""
    await PromptVersion.within(prompt.scope).delete_many({"prompt": prompt.id})
