"""Which e-mail domains the operator admits."""

from crafter.core.config import Settings


def is_domain_allowed(email: str, settings: Settings) -> bool:
    """Whether an address is of a domain in ALLOWED_EMAIL_DOMAINS; all are when there is none."""
    domains = {domain.lower() for domain in settings.allowed_email_domains}
    return not domains or email.rpartition("@")[2] in domains
