"""The whole table, and the routes that are ours."""

from tests.contract.entries import AGENT, ORGANIZATION, PROJECT, Section
from tests.contract.table import absent, accounts, agents, handoffs, keys, others, programs

SECTIONS: tuple[Section, ...] = (
    accounts.ACCOUNTS,
    accounts.ORGANIZATIONS,
    accounts.PROJECTS,
    keys.PROVIDER_KEYS,
    keys.PROVIDERS,
    keys.USER_API_KEYS,
    keys.PROMPTS,
    keys.RUNNING_PROMPTS,
    *agents.SECTIONS,
    programs.SESSIONS,
    programs.EXTERNAL,
    handoffs.POLLING,
    handoffs.HANDOFFS,
    others.STATISTICS,
    others.TOOLS,
    absent.KNOWLEDGE,
    absent.VECTOR_DATABASES,
    absent.MESSAGING,
    absent.WHATSAPP,
    others.PRIVACY,
    others.WIDGET,
    others.HEALTH,
    absent.MAILING,
)

_CONVERSATIONS = f"{PROJECT}/conversations"

OURS = {
    ("GET", "/health/live"): "whether the process lives",
    ("GET", "/health/ready"): "whether it can serve",
    ("GET", "/metrics"): "for Prometheus",
    ("POST", f"{ORGANIZATION}:transfer"): "gives an organization to another admin",
    ("PATCH", PROJECT): "renames a project",
    ("DELETE", PROJECT): "deletes a project",
    ("GET", f"{PROJECT}/api-keys"): "lists provider keys",
    ("GET", f"{PROJECT}/api-keys/{{api_key_id}}"): "one provider key",
    ("PATCH", f"{PROJECT}/api-keys/{{api_key_id}}"): "renames, switches or limits a provider key",
    ("GET", f"{AGENT}/status"): "whether an agent works, and since when",
    ("POST", _CONVERSATIONS): "begins a conversation",
    ("GET", _CONVERSATIONS): "lists conversations by cursor",
    ("GET", f"{_CONVERSATIONS}/{{conversation_id}}"): "one conversation",
    ("DELETE", f"{_CONVERSATIONS}/{{conversation_id}}"): "deletes one conversation",
    ("GET", f"{_CONVERSATIONS}/{{conversation_id}}/messages"): "pages through messages",
    ("POST", f"{_CONVERSATIONS}/{{conversation_id}}/messages"): "appends a message",
    ("POST", f"{_CONVERSATIONS}/{{conversation_id}}:archive"): "archives a conversation",
    ("POST", f"{_CONVERSATIONS}/{{conversation_id}}:unarchive"): "takes it back",
    ("GET", f"{PROJECT}/prompts"): "lists prompts with filters",
    ("GET", f"{PROJECT}/prompts/by-name/{{prompt_name}}"): "finds a prompt by its name",
    ("GET", f"{PROJECT}/prompts/{{prompt_id}}/dependants"): "the agents that use a prompt",
    ("GET", f"{PROJECT}/prompts/{{prompt_id}}/versions"): "the earlier versions of a prompt",
    ("GET", f"{PROJECT}/prompts/{{prompt_id}}/versions/{{version_number}}"): "one of them",
    (
        "GET",
        f"{PROJECT}/prompts/{{prompt_id}}/versions/{{version_number}}/diff",
    ): "what changed since another",
    (
        "POST",
        f"{PROJECT}/prompts/{{prompt_id}}/versions/{{version_number}}/render",
    ): "the texts of one, filled in",
    ("PUT", f"{PROJECT}/prompts/{{prompt_id}}/labels/{{label}}"): "names a version of a prompt",
    ("DELETE", f"{PROJECT}/prompts/{{prompt_id}}/labels/{{label}}"): "takes the name away",
}
"""Routes of which the contract knows nothing, and what they are for."""
