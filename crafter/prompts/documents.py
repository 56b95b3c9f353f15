"""Prompts and their earlier versions, as they are stored."""

from typing import ClassVar

from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel

from crafter.core.documents import Moment, OmitNone, ProjectDocument, Reference
from crafter.core.ids import EntityId
from crafter.core.queries import QueryShape
from crafter.prompts.settings import PromptSettings, PromptVariable

MAX_TAGS = 32
MAX_VARIABLES = 64
MAX_LABELS = 20

_IN_PROJECT = {"organization": "o", "project": "p"}
_BY_NAME = (("name", 1),)
_PREFIX = {"$gte": "a", "$lt": "a\U0010ffff"}


class Prompt(ProjectDocument):
    """A text with variables, and how a model is asked with it. ``version`` counts the contents it has had.

    It holds its current version itself; those before are in PromptVersion.
    """

    name: str
    title: OmitNone[str] = None
    description: OmitNone[str] = None
    content: OmitNone[str] = None
    system_prompt: OmitNone[str] = None
    version: int = 1
    api_key: OmitNone[EntityId] = None
    llm_settings: OmitNone[PromptSettings] = None

    tags: list[str] = Field(default_factory=list)
    is_template: bool = False
    variables: list[PromptVariable] = Field(default_factory=list)
    version_created_at: OmitNone[Moment] = None
    labels: dict[str, int] = Field(
        default_factory=dict, description="Names for versions, such as production."
    )

    references: ClassVar = (Reference("api_key", "apikeys"), Reference("project", "projects"))
    query_shapes: ClassVar = (
        QueryShape("one prompt", {"_id": "p", **_IN_PROJECT}),
        QueryShape("a prompt by its name", {"name": "n", **_IN_PROJECT}),
        QueryShape("prompts of a project", _IN_PROJECT, _BY_NAME, rules=("12.66",)),
        QueryShape("prompts whose name begins so", {**_IN_PROJECT, "name": _PREFIX}, _BY_NAME),
        QueryShape(
            "prompts with one of some tags",
            {**_IN_PROJECT, "tags": {"$in": ["a", "b"]}},
            _BY_NAME,
            rules=("12.67",),
        ),
        QueryShape(
            "prompts with all of some tags",
            {**_IN_PROJECT, "tags": {"$all": ["a", "b"]}},
            _BY_NAME,
            rules=("12.67",),
        ),
        QueryShape("templates", {**_IN_PROJECT, "is_template": True}, _BY_NAME),
        QueryShape(
            "prompts that are no templates, have some tags, and whose name begins so",
            {
                **_IN_PROJECT,
                "is_template": {"$in": [False, None]},
                "tags": {"$in": ["a", "b"]},
                "name": _PREFIX,
            },
            _BY_NAME,
        ),
        QueryShape("prompts that use a key", {"organization": "o", "api_key": "k"}),
    )

    class Settings:
        name = "prompts"
        indexes = [
            IndexModel([("project", ASCENDING), ("name", ASCENDING)], name="project_1_name_1", unique=True),
            IndexModel(
                [("organization", ASCENDING), ("project", ASCENDING), ("name", ASCENDING)],
                name="organization_1_project_1_name_1",
                unique=True,
            ),
            IndexModel(
                [
                    ("organization", ASCENDING),
                    ("project", ASCENDING),
                    ("tags", ASCENDING),
                    ("name", ASCENDING),
                ],
                name="organization_1_project_1_tags_1_name_1",
            ),
        ]


class PromptVersion(ProjectDocument):
    """A version of a prompt that another has followed, with what belonged to it; it never changes.

    ``created_at`` is when the version was made, as far as that is known: LLM Crafter does not note it.
    """

    prompt: EntityId
    number: int
    content: OmitNone[str] = None
    system_prompt: OmitNone[str] = None
    llm_settings: OmitNone[PromptSettings] = None
    variables: list[PromptVariable] = Field(default_factory=list)

    references: ClassVar = (Reference("prompt", "prompts", restricts=False),)
    query_shapes: ClassVar = (
        QueryShape("one version", {**_IN_PROJECT, "prompt": "p", "number": 1}),
        QueryShape(
            "versions of a prompt, the newest first",
            {**_IN_PROJECT, "prompt": "p", "number": {"$lt": 9}},
            (("number", -1),),
        ),
        QueryShape("all versions of a prompt", {**_IN_PROJECT, "prompt": "p"}),
    )

    class Settings:
        name = "prompt_versions"
        indexes = [
            IndexModel(
                [
                    ("organization", ASCENDING),
                    ("project", ASCENDING),
                    ("prompt", ASCENDING),
                    ("number", DESCENDING),
                ],
                name="organization_1_project_1_prompt_1_number_-1",
                unique=True,
            ),
        ]

    @classmethod
    def of(cls, prompt: Prompt) -> "PromptVersion":
        """The current version of a prompt, to be kept."""
        return cls(
            organization=prompt.organization,
            project=prompt.project,
            prompt=prompt.id,
            number=prompt.version,
            content=prompt.content,
            system_prompt=prompt.system_prompt,
            llm_settings=prompt.llm_settings,
            variables=prompt.variables,
            created_at=prompt.version_created_at or prompt.updated_at,
        )

    def applied_to(self, prompt: Prompt) -> Prompt:
        """The prompt as it was in this version; what does not belong to versions is as it is now."""
        texts = {
            name: getattr(self, name) for name in ("content", "system_prompt", "llm_settings", "variables")
        }
        earlier: Prompt = prompt.model_copy(update={**texts, "version": self.number})
        return earlier
