"""From the prompt in the path to the document."""

from typing import Annotated

from fastapi import Depends, Query

from crafter.core.ids import EntityId
from crafter.organizations.dependencies import CurrentAccess
from crafter.prompts import service as prompt_service
from crafter.prompts.documents import Prompt
from crafter.prompts.schemas import Label


async def get_prompt(prompt_id: EntityId, project_id: EntityId, access: CurrentAccess) -> Prompt:
    """A prompt of the project in the path; another project's, and another organization's, is 404."""
    return await prompt_service.get_prompt(access.in_project(project_id), prompt_id)


CurrentPrompt = Annotated[Prompt, Depends(get_prompt)]

AskedLabel = Annotated[Label | None, Query(description="The version that has this label.")]
AskedVersion = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="The version of this number.")]
