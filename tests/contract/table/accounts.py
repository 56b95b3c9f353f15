"""Sections 5.1 to 5.3: accounts, organizations and their members, projects."""

from tests.contract.entries import ORGANIZATION, PROJECT, Entry, Refusal, Section, Step
from tests.contract.shapes import ABSENT, ID, TIME, TOKEN, Each, Maybe, OneOf
from tests.contract.table import objects

PASSWORD = "Blue$Ocean77Waves"
STRENGTH = OneOf(("very-weak", "weak", "medium", "strong", "very-strong"))
SECURITY = {"shouldUpdatePassword": bool, "passwordStrength": STRENGTH}
NEWCOMER = {"email": "newcomer@example.com", "password": PASSWORD, "name": "New Comer"}
REGISTER = Step(
    "POST",
    "/auth/register",
    {**NEWCOMER, "email": "{random}@example.com"},
    {"user_id": "user.id", "email": "user.email"},
    who="nobody",
)
JOIN = Step("POST", f"{ORGANIZATION}/members", {"email": "{email}", "role": "member"})

ACCOUNTS = Section(
    "5.1 Accounts",
    (
        Entry(
            "GET",
            "/auth/password-policy",
            "anybody",
            answer={
                "success": True,
                "data": {
                    "requirements": [str],
                    "recommendations": [str],
                    "examples": {"good": [str], "bad": [str]},
                },
            },
        ),
        Entry(
            "POST",
            "/auth/register",
            "anybody",
            "UI",
            body=NEWCOMER,
            status=201,
            answer={
                "token": TOKEN,
                "user": objects.ACCOUNT,
                "passwordStrength": STRENGTH,
                "warnings": Each(str),
            },
            needs={"token": "the web UI signs in with it"},
            refusals=(
                Refusal(400, "Email already registered"),
                Refusal(400, at="email", body={**NEWCOMER, "email": "x"}),
                Refusal(400, at="name", body={**NEWCOMER, "name": "x"}),
                Refusal(
                    400,
                    "Password must be at least 12 characters long",
                    at="password",
                    body={**NEWCOMER, "password": "x"},
                ),
                Refusal(
                    400,
                    'Password cannot contain common words like "password"',
                    at="password",
                    body={**NEWCOMER, "password": "MyPassword$77Waves"},
                ),
            ),
        ),
        Entry(
            "POST",
            "/auth/login",
            "anybody",
            "UI",
            body={"email": "MEMBER@example.com", "password": PASSWORD},
            answer={"token": TOKEN, "user": objects.ACCOUNT},
            refusals=(
                Refusal(401, "Invalid credentials", body={"email": "member@example.com", "password": "x"}),
                Refusal(401, "Invalid credentials", body={"email": "nobody@example.com", "password": "x"}),
                Refusal(400, at="email", body={}),
            ),
        ),
        Entry(
            "GET",
            "/auth/profile",
            "signed in",
            "UI",
            answer={
                "id": ID,
                "email": str,
                "name": str,
                "emailVerified": bool,
                "isOAuthUser": bool,
                "primaryOAuthProvider": Maybe(str),
                "connectedProviders": Each(str),
                "security": SECURITY,
            },
            needs={"id": "the web UI compares it with the ids of members"},
            refusals=(
                Refusal(401, "Authentication required", who="nobody"),
                Refusal(401, "Invalid token", who="a broken token"),
                Refusal(401, "User not found", who="a deleted account"),
            ),
        ),
        Entry(
            "PUT",
            "/auth/profile",
            "signed in",
            "UI",
            body={"firstName": "A", "lastName": "B", "name": "A B", "password": ""},
            answer={"id": ID, "email": str, "name": "A B", "security": SECURITY},
            refusals=(Refusal(400, at="name", body={"name": "x"}),),
        ),
        Entry(
            "GET",
            "/auth/oauth/providers",
            "anybody",
            "UI",
            answer={
                "success": True,
                "data": {
                    "providers": Each({"name": str, "displayName": str, "authUrl": str}),
                    "authMethods": {
                        "enabledMethods": [str],
                        "emailPasswordEnabled": bool,
                        "oauthEnabled": bool,
                    },
                    "domainRestricted": bool,
                    "allowedDomains": Maybe([str]),
                },
            },
        ),
        Entry(
            "DELETE",
            "/auth/oauth/{provider}",
            "signed in",
            answer={"success": True, "message": "google account unlinked successfully"},
        ),
        *(
            Entry(
                "GET",
                f"/auth/{provider}",
                "anybody",
                "UI",
                status=404,
                answer={"error": str},
                differs="a provider that is not configured is 404, not a page of HTML with 500",
                case="a provider that is not configured",
            )
            for provider in ("google", "github")
        ),
        *(
            Entry(
                "GET",
                f"/api/v1/auth/{provider}",
                "anybody",
                "UI",
                status=404,
                answer={"error": str},
                differs="the web UI's registration page asks for the doubled path; LLM Crafter has no such route",
                case="the doubled path",
            )
            for provider in ("google", "github")
        ),
        *(
            Entry(
                "GET",
                f"/auth/{provider}/callback",
                "anybody",
                "browser",
                status=404,
                answer={"error": str},
                differs="a provider that is not configured is 404; otherwise `state` belongs to one browser and login",
                case="a provider that is not configured",
            )
            for provider in ("google", "github")
        ),
        Entry(
            "GET",
            "/auth/failure",
            "anybody",
            "browser",
            query={"error": "login_failed"},
            status=302,
            headers={"location": "http://localhost:3000/auth/error?message=login_failed"},
            differs="only the contract's reasons are passed on",
        ),
        Entry(
            "GET",
            "/auth/success",
            "anybody",
            status=404,
            answer={"error": str},
            differs="left out: a page for debugging that echoes a token",
        ),
    ),
)

_MEMBER = {"user": {"id": ID, "email": str, "name": str}, "role": OneOf(("admin", "member", "viewer"))}
_OUTSIDE = "Access denied: Not a member of this organization"

ORGANIZATIONS = Section(
    "5.2 Organizations and members",
    (
        Entry(
            "POST",
            "/organizations",
            "signed in",
            "UI",
            body={"name": "Acme", "description": "d"},
            status=201,
            answer=objects.organization(),
            refusals=(Refusal(400, at="name", body={}), Refusal(400, at="name", body={"name": "  "})),
        ),
        Entry(
            "GET",
            "/organizations",
            "signed in",
            "UI",
            before=(Step("POST", "/organizations", {"name": "Acme"}, who="outsider"),),
            answer=[objects.organization(owner=objects.PERSON)],
        ),
        Entry(
            "GET",
            ORGANIZATION,
            "viewer",
            "UI",
            answer=objects.organization(user=objects.PERSON),
            needs={
                "members[0].user": "the web UI finds its own role by `user._id`",
                "owner": "the web UI compares it with `user.id`",
            },
            refusals=(
                Refusal(403, _OUTSIDE, who="outsider"),
                Refusal(403, _OUTSIDE, ids={"organization_id": "undefined"}),
            ),
        ),
        Entry(
            "PUT",
            ORGANIZATION,
            "admin",
            body={
                "name": "Acme",
                "media_storage": {
                    "enabled": True,
                    "credentials": {"access_key_id": "canary-access", "secret_access_key": "canary-secret"},
                },
            },
            answer=objects.organization(),
            refusals=(Refusal(403, "Access denied: Admin rights required", who="member"),),
        ),
        Entry(
            "POST",
            f"{ORGANIZATION}/members",
            "admin",
            "UI",
            before=(REGISTER,),
            body={"email": "{email}", "role": "member"},
            answer={"message": "User added successfully", "member": _MEMBER},
            refusals=(
                Refusal(400, "User is already a member of this organization"),
                Refusal(404, "User not found", body={"email": "nobody@example.com", "role": "member"}),
                Refusal(400, at="role", body={"email": "nobody@example.com", "role": "boss"}),
                Refusal(400, at="email", body={"email": "x", "role": "member"}),
                Refusal(403, "Access denied: Admin rights required", who="member"),
            ),
        ),
        Entry(
            "PUT",
            f"{ORGANIZATION}/members/{{user_id}}",
            "admin",
            "UI",
            before=(REGISTER, JOIN),
            body={"role": "viewer"},
            answer={"message": "Member role updated successfully", "member": _MEMBER},
            refusals=(
                Refusal(404, "Member not found in organization", ids={"user_id": "{absent_id}"}),
                Refusal(400, at="role", body={}),
            ),
            differs="the owner cannot be demoted (409) before the ownership is transferred",
        ),
        Entry(
            "DELETE",
            f"{ORGANIZATION}/members/{{user_id}}",
            "admin",
            "UI",
            before=(REGISTER, JOIN),
            answer={"message": "Member removed successfully"},
            differs="the owner cannot be removed (409) before the ownership is transferred",
        ),
    ),
)

PROJECTS = Section(
    "5.3 Projects",
    (
        Entry(
            "POST",
            f"{ORGANIZATION}/projects",
            "member",
            "UI",
            body={"name": "P", "description": "d", "llm_configurations": []},
            status=201,
            answer={**objects.PROJECT, "llm_configurations": ABSENT},
            refusals=(
                Refusal(400, at="name", body={"name": ""}),
                Refusal(403, "Access denied: member role required", who="viewer"),
            ),
        ),
        Entry("GET", f"{ORGANIZATION}/projects", "viewer", "UI", answer=[objects.PROJECT]),
        Entry(
            "GET",
            PROJECT,
            "viewer",
            "UI",
            answer={
                **objects.PROJECT,
                "apiKeys": [objects.PROVIDER_KEY],
                "prompts": [
                    {
                        "_id": ID,
                        "name": str,
                        "description?": str,
                        "project": ID,
                        "createdAt": TIME,
                        "updatedAt": TIME,
                    }
                ],
            },
            needs={
                "apiKeys": "every page of the web UI below a project reads them",
                "prompts": "every page of the web UI below a project reads them",
            },
            refusals=(Refusal(404, "Project not found", ids={"project_id": "{absent_id}"}),),
        ),
    ),
)
