"""What can go wrong with prompts."""

from crafter.core.errors import BadInput, Conflict, NotFound


class PromptNotFound(NotFound):
    """There is no such prompt in this project."""

    code = "PROMPT_NOT_FOUND"
    message = "Prompt not found"


class PromptVersionNotFound(NotFound):
    """The prompt has no version of that number."""

    code = "PROMPT_VERSION_NOT_FOUND"
    message = "Prompt version not found"


class LabelNotFound(NotFound):
    """No version of the prompt has that label."""

    code = "PROMPT_LABEL_NOT_FOUND"
    message = "No version of the prompt has that label"


class TooManyLabels(BadInput):
    """The prompt has as many labels as it may."""

    code = "TOO_MANY_LABELS"
    message = "A prompt has at most 20 labels. Take one away first."


class TooLongToCompare(BadInput):
    """The texts have too many lines to be compared."""

    code = "TOO_LONG_TO_COMPARE"
    message = "Texts of more than 2,000 lines are not compared. Read both versions instead."


class PromptNameTaken(BadInput):
    """Another prompt of the project has that name."""

    code = "PROMPT_NAME_TAKEN"
    message = "Prompt name already exists in this project"


class PromptInUse(Conflict):
    """Agents take their instructions from the prompt; the body lists them."""

    code = "PROMPT_IN_USE"
    message = (
        "The prompt is still in use. Change what is listed here, or delete it all the same with force=true."
    )


class InvalidPromptModel(BadInput):
    """The key's provider does not offer the model; ``nearest`` names those that come close."""

    code = "INVALID_MODEL"
    message = "Invalid model for selected provider"


class InvalidTemplate(BadInput):
    """A template is not well-formed. ``position`` is where, in characters from 0; ``field`` says in which text."""

    code = "INVALID_TEMPLATE"
    message = "The template is not well-formed"


class RenderingTooLarge(BadInput):
    """A template would render to too much, or take too many steps."""

    code = "RENDERING_TOO_LARGE"
    message = "The rendered text is larger than 1 MiB"
