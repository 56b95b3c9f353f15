"""How end users are told apart in the ledger without naming them."""

from crafter.core.secrets import Keyring


def hash_of(keyring: Keyring, organization: str, end_user: str) -> str:
    """What stands for an end user of one organization."""
    return keyring.fingerprint("\0".join(("end user", organization, end_user)))
