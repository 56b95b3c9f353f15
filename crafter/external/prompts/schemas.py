"""What programs are told of a prompt that was run."""

from crafter.prompt_execution.schemas import ExecutionAnswer


class PromptAnswer(ExecutionAnswer):
    """What the model said to a prompt, and which ones they were."""

    prompt_name: str
    model: str
