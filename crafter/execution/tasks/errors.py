"""What can go wrong with the run of a task."""

from crafter.core.errors import BadInput
from crafter.execution.errors import NOT_READY, TurnInterrupted


class NotATask(BadInput):
    """Only task agents run tasks."""

    code = "NOT_A_TASK"
    message = "Agent is not a task type"


class AgentDisabled(BadInput):
    """The agent is switched off; unlike a conversation, a task has nobody to be handed to."""

    code = "AGENT_DISABLED"
    message = "Agent is currently disabled. Please contact your administrator."


class TaskInterrupted(TurnInterrupted):
    """The run was ended by others: the server stops, say. What was done until then is stored."""

    message = "The task was interrupted. What was done so far is stored; run it again shortly."


TASK_REFUSALS = (NotATask, AgentDisabled, *NOT_READY)
"""What a task can be refused with."""
