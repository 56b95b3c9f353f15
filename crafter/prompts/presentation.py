"""How prompts are answered."""

from crafter.api_keys import service as api_key_service
from crafter.prompts.documents import Prompt, PromptVersion
from crafter.prompts.schemas import PromptKey, PromptRead, PromptVersionRead, PromptVersionSummary


def show(prompt: Prompt) -> PromptRead:
    """A prompt with the id of its key."""
    return PromptRead.from_stored(prompt.to_stored())


async def show_with_key(prompt: Prompt) -> PromptRead:
    """A prompt with its key, and the key's provider; with the id of a key that was deleted."""
    body = show(prompt)
    if prompt.api_key:
        found = await api_key_service.find_keys(prompt.scope, [prompt.api_key])
        for key in await api_key_service.show_populated(list(found.values()), full_provider=True):
            provider = {name: key["provider"][name] for name in ("_id", "name", "models")}
            body.api_key = PromptKey.model_validate({**key, "provider": provider})
    return body


def show_version(prompt: Prompt, version: PromptVersion) -> PromptVersionRead:
    """A version with its texts."""
    about = {"current": version.number == prompt.version, "labels": _labels(prompt, version.number)}
    return PromptVersionRead.from_stored({**version.to_stored(), **about})


def show_versions(prompt: Prompt, versions: list[PromptVersion]) -> list[PromptVersionSummary]:
    """Versions without their texts."""
    return [
        PromptVersionSummary(
            prompt=prompt.id,
            number=version.number,
            current=version.number == prompt.version,
            labels=_labels(prompt, version.number),
            created_at=version.created_at,
        )
        for version in versions
    ]


def _labels(prompt: Prompt, number: int) -> list[str]:
    return sorted(label for label, labelled in prompt.labels.items() if labelled == number)
