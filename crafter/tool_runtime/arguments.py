"""The arguments of a tool, against the JSON Schema of its parameters."""

from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from referencing import Registry

from crafter.tool_runtime.errors import ToolFailed

_NAME_LENGTH = 100


def check_arguments(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> None:
    """Raises ToolFailed for the argument that fits least, with its JSON ``pointer``. No value is repeated."""
    # Without a registry the library would fetch the documents that a schema refers to.
    validator = Draft202012Validator(schema, registry=Registry())
    failure = best_match(validator.iter_errors(arguments))
    if failure is not None:
        steps = (str(step).replace("~", "~0").replace("/", "~1") for step in failure.absolute_path)
        raise ToolFailed(_sentence(failure), pointer="".join(f"/{step}" for step in steps))


def _sentence(failure: ValidationError) -> str:
    where = ".".join(str(step)[:_NAME_LENGTH] for step in failure.absolute_path)
    subject = f"Parameter '{where}'" if where else "The parameters"
    asked: Any = failure.validator_value
    match failure.validator:
        case "required":
            missing = next(name for name in asked if name not in failure.instance)
            return f"Parameter '{'.'.join(filter(None, (where, missing)))}' is required"
        case "additionalProperties":
            known = failure.schema.get("properties", {})
            unknown = next(name for name in failure.instance if name not in known)
            return f"There is no parameter '{'.'.join(filter(None, (where, unknown[:_NAME_LENGTH])))}'"
        case "type":
            return f"{subject} must be of type {asked if isinstance(asked, str) else ' or '.join(asked)}"
        case "enum":
            return f"{subject} must be one of {', '.join(map(str, asked))}"
        case "minLength":
            return f"{subject} must have at least {asked} character{'' if asked == 1 else 's'}"
        case "minimum":
            return f"{subject} must be at least {asked}"
        case "maximum":
            return f"{subject} must be at most {asked}"
        case keyword:
            return f"{subject} must satisfy {keyword}: {asked}"
