"""What can go wrong with the runs of task agents."""

from crafter.core.errors import NotFound


class ExecutionNotFound(NotFound):
    """No such run of this agent."""

    code = "EXECUTION_NOT_FOUND"
    message = "Execution not found"
