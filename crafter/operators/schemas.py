"""Operators on the wire."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from crafter.core.documents import OmitNone
from crafter.core.ids import EntityId
from crafter.core.schemas import ContractBody, ResponseBody, WireTime, says
from crafter.edge.strict_json import check_free_object
from crafter.operators.documents import OperatorStatus

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Email = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, max_length=320)]

_REQUIRED = "external_id and name are required"
_STATUS = "Status must be online, offline, or busy"

GivenStatus = Annotated[OperatorStatus, says(_STATUS)]


class OperatorPut(ContractBody):
    """An operator as the other system knows them; what is not sent stays as it is."""

    external_id: Annotated[Text, says(_REQUIRED)]
    name: Annotated[Text, says(_REQUIRED)]
    email: Email | None = None
    avatar_url: Annotated[str, StringConstraints(max_length=2_000)] | None = None
    skills: Annotated[list[Text], Field(max_length=100)] | None = None
    status: GivenStatus | None = None
    metadata: Annotated[dict[str, Any], AfterValidator(check_free_object)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _names_somebody(cls, data: Any) -> Any:
        if isinstance(data, dict) and (data.get("external_id") is None or data.get("name") is None):
            raise ValueError(_REQUIRED)
        return data


class StatusChange(ContractBody):
    """Whether an operator is there."""

    status: GivenStatus

    @model_validator(mode="before")
    @classmethod
    def _says_which(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("status") is None:
            raise ValueError(_STATUS)
        return data


class BulkStatusChange(StatusChange):
    """Whether several operators are there; without ids, all of the project."""

    operator_ids: Annotated[list[Text], Field(max_length=1_000)] | None = None


class OperatorRead(ResponseBody):
    """An operator."""

    stored_id: EntityId = Field(alias="_id")
    external_id: str
    name: str
    email: OmitNone[str] = None
    avatar_url: OmitNone[str] = None
    organization: EntityId
    project: EntityId
    skills: list[str] = Field(default_factory=list)
    status: str = "offline"
    metadata: dict[str, Any] | None = Field(None, exclude_if=lambda value: not value)
    created_at: OmitNone[WireTime] = None
    updated_at: OmitNone[WireTime] = None
    version_key: int = Field(0, alias="__v")


class OperatorAnswer(ResponseBody):
    """One operator."""

    success: Literal[True] = True
    operator: OperatorRead


class OperatorList(ResponseBody):
    """A project's operators by name."""

    success: Literal[True] = True
    operators: list[OperatorRead]


class OperatorDeleted(ResponseBody):
    """The operator is gone."""

    success: Literal[True] = True
    message: str = "Operator deleted"


class OperatorsChanged(ResponseBody):
    """How many operators have the status now."""

    success: Literal[True] = True
    modified_count: int
