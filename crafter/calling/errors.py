"""Why a model cannot be asked with a key."""

from crafter.core.errors import Unprocessable


class CapabilityMissing(Unprocessable):
    """The provider cannot be asked for this; it was not asked."""

    code = "CAPABILITY_MISSING"
    message = "The provider does not offer this."


class ModelRetired(Unprocessable):
    """The model is no longer offered."""

    code = "MODEL_RETIRED"
    message = "The model is no longer offered. Choose another one."
