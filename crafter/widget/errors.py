"""What can go wrong with the files of the widget."""

from crafter.core.errors import NotFound


class WidgetFileNotFound(NotFound):
    """The widget has no such file, or the operator has not put it there."""

    code = "WIDGET_FILE_NOT_FOUND"
    message = "There is no such widget file here"
