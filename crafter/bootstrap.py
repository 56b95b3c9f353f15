"""What an operator does to a whole database: prepare it, fill it with a demonstration, empty it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from crafter.core.config import ConfigurationError
from crafter.core.database import Database
from crafter.core.passwords import hash_password
from crafter.core.security import new_key
from crafter.documents import ALL_DOCUMENTS
from crafter.migrations import runner as migrations
from crafter.migrations.registry import all_migrations
from crafter.organizations import service as organization_service
from crafter.organizations.schemas import OrganizationCreate
from crafter.projects import service as project_service
from crafter.projects.schemas import ProjectCreate
from crafter.providers import service as provider_service
from crafter.tools import service as tool_service
from crafter.users import service as user_service
from crafter.users.errors import EmailTaken
from crafter.users.password_policy import strength
from indexes import sync

DEMO_EMAIL = "demo@example.com"
DEMO_NAME = "Demo"


@dataclass(slots=True)
class Prepared:
    """What was done to a database; the second time, nothing."""

    indexes_created: list[str] = field(default_factory=list)
    indexes_missing: list[str] = field(default_factory=list)
    migrations_pending: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Demonstration:
    """A demonstration organization; the password is only known when the account was made just now."""

    email: str
    password: str | None
    organization: str
    project: str
    created: bool

    def as_dict(self) -> dict[str, str | bool | None]:
        """For ``--json``."""
        return asdict(self)


async def prepare(database: Database, *, everything: bool) -> Prepared:
    """Create indexes and the default catalogue, and migrate. Safe to repeat, and to run twice at once.

    With ``everything`` all indexes are created and all migrations applied; otherwise only the indexes of empty
    collections are, which is instant and cannot fail, and what else is missing is reported.
    Raises DuplicatesFound and MigrationFailed; without ``everything``, ConfigurationError for one that failed before.
    """
    if everything:
        created: Sequence[sync.Change] = await sync.apply(database.db, ALL_DOCUMENTS)
    else:
        if failed := await migrations.failures(database.db, all_migrations()):
            raise ConfigurationError(failed)
        created = await sync.prepare_empty(database.db, ALL_DOCUMENTS)
    if everything:
        await migrations.up(database.db, all_migrations())
    await provider_service.seed_providers()
    await tool_service.seed_tools()
    missing = await sync.missing_required(database.db, ALL_DOCUMENTS)
    pending = [
        s.version for s in await migrations.status(database.db, all_migrations()) if s.state == "pending"
    ]
    return Prepared([str(change) for change in created], missing, pending)


async def seed_demonstration() -> Demonstration:
    """Make a demonstration account with an organization and a project; what is there already is kept."""
    password: str | None = f"Try-{new_key()[:20]}-Aa1!"
    try:
        user = await user_service.create_user(
            email=DEMO_EMAIL,
            password=await hash_password(password or ""),
            name=DEMO_NAME,
            strength=strength(password or ""),
        )
        created = True
    except EmailTaken:
        user, password, created = await user_service.get_by_email(DEMO_EMAIL), None, False
    owner = user_service.Identity(user.id, user.email, user.name)
    organizations = await organization_service.list_organizations(owner)
    organization = (
        organizations[0]
        if organizations
        else await organization_service.create_organization(
            owner, OrganizationCreate(name=DEMO_NAME, description="For trying Crafter out")
        )
    )
    access = await organization_service.get_access(organization.id, owner)
    projects = await project_service.list_projects(access)
    project_id = (
        projects[0].stored_id
        if projects
        else (await project_service.create_project(access, ProjectCreate(name="Playground"))).id
    )
    return Demonstration(user.email, password, organization.id, project_id, created)


async def reset(database: Database) -> Prepared:
    """Drop everything, then prepare the empty database."""
    await database.client.drop_database(database.db.name)
    return await prepare(database, everything=True)
