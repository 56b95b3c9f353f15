"""What can go wrong with operators."""

from crafter.core.errors import NotFound


class OperatorNotFound(NotFound):
    """The project has no operator with that id."""

    code = "OPERATOR_NOT_FOUND"
    message = "Operator not found"
