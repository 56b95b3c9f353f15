"""What is missing in the areas that are not there."""

from crafter.core.errors import NotFound


class JobNotFound(NotFound):
    """Nothing is ever indexed, so there is no such job."""

    code = "JOB_NOT_FOUND"
    message = "Job not found"
