"""What can go wrong with the tools of an agent."""

from crafter.core.errors import BadInput, NotFound, TooLarge, Unprocessable


class ToolNotConfigured(BadInput):
    """The settings are those of a tool that the agent does not have."""

    code = "TOOL_NOT_CONFIGURED"
    message = "Agent does not have the tool configured"


class ToolSettingsNotFound(NotFound):
    """The agent does not have the tool, so there are no settings to read."""

    code = "TOOL_NOT_CONFIGURED"
    message = "Agent does not have the tool configured"


class ToolAlreadyAdded(BadInput):
    """The agent has the tool already."""

    code = "TOOL_ALREADY_EXISTS"
    message = "Tool already exists"


class TooManyTools(Unprocessable):
    """The agent has as many tools as it can have."""

    code = "TOO_MANY_TOOLS"
    message = "The agent cannot have any more tools"


class SettingsTooLarge(TooLarge):
    """The settings of one tool do not fit."""

    code = "TOOL_SETTINGS_TOO_LARGE"
    message = "The settings of the tool are larger than 512 KiB"


class SecretNotText(BadInput):
    """A secret among the settings is not a string, so it cannot be encrypted."""

    code = "SECRET_NOT_TEXT"
    message = "A secret must be a string"


class SecretMissing(Unprocessable):
    """The settings stand for a stored secret, and there is none that was entered for this place."""

    code = "SECRET_REQUIRED"
    message = "No secret is stored for this address. Enter the secret again."


class InvalidApiConfig(BadInput):
    """An endpoint or the summarization is not valid."""

    code = "INVALID_API_CONFIG"
    message = "The API configuration is not valid"


class EndpointNotFound(NotFound):
    """The agent has no endpoint of that name."""

    code = "ENDPOINT_NOT_FOUND"
    message = "Endpoint not found"


class EndpointExists(BadInput):
    """The agent has an endpoint of that name already."""

    code = "ENDPOINT_EXISTS"
    message = "Endpoint already exists. Use PUT to update it."


class InvalidHook(BadInput):
    """A hook lacks what its type needs."""

    code = "INVALID_HOOK"
    message = "The hook is not valid"
