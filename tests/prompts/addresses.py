"""Where prompts are, for their tests."""

from crafter.projects.documents import Project
from crafter.prompts.documents import Prompt


def prompts_url(project: Project, tail: str = "") -> str:
    """The prompts of a project."""
    return f"/organizations/{project.organization}/projects/{project.id}/prompts{tail}"


def prompt_url(prompt: Prompt, tail: str = "") -> str:
    """A prompt."""
    return f"/organizations/{prompt.organization}/projects/{prompt.project}/prompts/{prompt.id}{tail}"
