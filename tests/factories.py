"""People, organizations and what they hold, stored without going through HTTP."""

from typing import Any

from crafter.core.secrets import Keyring, Place
from crafter.organizations.documents import Member, Organization
from crafter.organizations.permissions import Role
from crafter.projects.documents import Project
from crafter.users.documents import User

PASSWORD = "Blue$Ocean77Waves"
PASSWORD_HASH = "$2a$12$XG/1mOO98JMk.WWT1uGyJOVA4Xx.dbETGTnqNyzZf9J/oZJikZoFq"
"""A real bcrypt hash, as the Node server wrote it."""


async def make_user(email: str, **fields: Any) -> User:
    """An account whose password is PASSWORD."""
    user = User(email=email, name=email.partition("@")[0].title(), password=PASSWORD_HASH, **fields)
    await User.collection().insert_one(user.to_stored())
    return user


async def make_organization(owner: User, *members: tuple[User, Role], **fields: Any) -> Organization:
    """An organization with its owner as admin, and some members."""
    everybody = [Member(user=owner.id, role=Role.admin), *(Member(user=u.id, role=r) for u, r in members)]
    organization = Organization(name=fields.pop("name", "Acme"), owner=owner.id, members=everybody, **fields)
    await Organization.collection().insert_one(organization.to_stored())
    return organization


async def make_project(organization: Organization, name: str = "Support") -> Project:
    """A project."""
    project = Project(organization=organization.id, name=name)
    await Project.within(project_home(organization)).insert(project.to_stored())
    return project


def project_home(organization: Organization) -> Any:
    """The scope in which an organization's projects live."""
    from crafter.core.tenancy import Scope

    return Scope(organization.id)


def seal(
    keyring: Keyring, organization: str, collection: str, document_id: str, field: str, text: str
) -> str:
    """A secret as it is stored."""
    return keyring.encrypt(text, Place(organization, collection, document_id, field))


async def make_key(
    project: Project, keyring: Keyring, *, provider: str = "openai", secret: str = "sk-live-0123456789"
) -> Any:
    """A provider key of the project, for one of the default providers."""
    from crafter.api_keys.documents import ApiKey
    from crafter.providers.documents import Provider

    found = await Provider.collection().find_one({"name": provider})
    assert found is not None
    key = ApiKey(
        organization=project.organization,
        project=project.id,
        name=f"{provider} key",
        provider=found["_id"],
        key="",
    )
    place = Place(project.organization, "apikeys", key.id, "key")
    key.key = keyring.encrypt(secret, place)
    await ApiKey.within(project.scope).insert(key.to_stored())
    return key


async def make_agent(project: Project, keyring: Keyring, *, name: str = "helper", **fields: Any) -> Any:
    """A chatbot of the project that works with a key of its own."""
    from crafter.agents.configuration import LlmSettings
    from crafter.agents.documents import Agent

    key = fields.pop("key", None) or await make_key(project, keyring, secret=f"sk-live-{name}-0123456789")
    defaults: dict[str, Any] = {
        "type": "chatbot",
        "system_prompt": "You are kind.",
        "llm_settings": LlmSettings(model="gpt-4o-mini"),
    }
    agent = Agent(
        organization=project.organization,
        project=project.id,
        name=name,
        api_key=key.id,
        **(defaults | fields),
    )
    await Agent.within(project.scope).insert(agent.to_stored())
    return agent


async def make_prompt(project: Project, *, name: str = "greet", key: Any = None, **fields: Any) -> Any:
    """A prompt of the project; with a key it can be run."""
    from crafter.prompts.documents import Prompt
    from crafter.prompts.settings import PromptSettings

    defaults: dict[str, Any] = {"content": "Say hello to {{name}}."}
    if key is not None:
        defaults |= {"api_key": key.id, "llm_settings": PromptSettings(model="gpt-4o-mini")}
    prompt = Prompt(organization=project.organization, project=project.id, name=name, **(defaults | fields))
    await Prompt.within(project.scope).insert(prompt.to_stored())
    return prompt
