"""Running a prompt for a program."""

from collections.abc import Mapping
from typing import Any

from crafter.core.errors import UpstreamFailed
from crafter.core.runtime import Runtime
from crafter.external.errors import execution_failed
from crafter.external.prompts.schemas import PromptAnswer
from crafter.llm.providers import ChatModels
from crafter.organizations.service import Access
from crafter.prompt_execution import running
from crafter.prompts.documents import Prompt


async def run_prompt(
    runtime: Runtime, models: ChatModels, access: Access, prompt: Prompt, variables: Mapping[str, Any]
) -> PromptAnswer:
    """What the model says to a prompt. Raises ExecutionFailed, ExecutionTimedOut, and what ``prepare`` raises."""
    run = await running.prepare(runtime, models, prompt, access.user.id, variables)
    try:
        answer = await running.execute(runtime, run)
    except UpstreamFailed as error:
        raise execution_failed(error) from None
    return PromptAnswer(**answer.model_dump(), prompt_name=prompt.name, model=run.request.model)
