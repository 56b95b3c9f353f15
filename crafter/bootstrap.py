"""What an operator does to a whole database: prepare it, fill it with a demonstration, empty it."""

from dataclasses import asdict, dataclass, field

from crafter.auth.schemas import Register
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
from indexes.duplicates import DuplicatesFound

DEMO_EMAIL = "demo@example.com"
DEMO_NAME = "Demo"


@dataclass(slots=True)
class Prepared:
    """What was done to a database; the second time, nothing."""

    indexes_created: list[str] = field(default_factory=list)
    indexes_missing: list[str] = field(default_factory=list)
    refused_by_duplicates: list[str] = field(default_factory=list)


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


async def make_account(email: str, name: str, password: str) -> str:
    """Make an account for somebody, also for an operator, who cannot register; answers its id.

    Raises ValueError for an address, a name or a password that registering would refuse, and EmailTaken.
    """
    wanted = Register(email=email, password=password, name=name)
    user = await user_service.create_user(
        email=wanted.email,
        password=await hash_password(wanted.password),
        name=wanted.name,
        strength=strength(wanted.password),
    )
    return user.id


async def prepare(database: Database, *, everything: bool) -> Prepared:
    """Migrate, create indexes, and seed the default catalogue. Safe to repeat, and to run twice at once.

    With ``everything`` all indexes are created. Otherwise those that take no time are, because their collection is
    empty, and the unique ones, without which no traffic may be served; what is refused by duplicates is reported.
    Raises MigrationFailed, and DuplicatesFound with ``everything``.
    """
    db = database.db
    await migrations.up(db, all_migrations())
    created: list[sync.Change] = []
    refused: list[str] = []
    if everything:
        created += await sync.apply(db, ALL_DOCUMENTS)
    else:
        created += await sync.prepare_empty(db, ALL_DOCUMENTS)
        try:
            created += await sync.create_required(db, ALL_DOCUMENTS)
        except DuplicatesFound as error:
            refused = str(error).splitlines()
    await provider_service.seed_providers()
    await tool_service.seed_tools()
    missing = await sync.missing_required(db, ALL_DOCUMENTS)
    return Prepared([str(change) for change in created], missing, refused)


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
