"""The canonical form of e-mail addresses: however an address is written, it names one account."""

import unicodedata
from collections.abc import Callable

import email_validator

# Whether a domain is reserved is not ours to judge: in private networks people are somebody@corp.local,
# as LLM Crafter let them. This list is the library's documented switch.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()

_MAX_LENGTH = 254
_NOT_AN_ADDRESS = "Enter a valid e-mail address."
_TOO_LONG = f"An e-mail address has at most {_MAX_LENGTH} characters."
_LOCAL_PART_NOT_ASCII = (
    "The part of an e-mail address before the @ may hold only unaccented letters, digits and signs."
)

_HOTMAIL = """
    at be ca cl co.il co.nz co.th co.uk com com.ar com.au com.br com.gr com.mx com.pe com.tr com.vn
    cz de dk es fr hu id ie in it jp kr lv my ph pt sa sg sk
"""
_OUTLOOK = """
    at be cl co.il co.nz co.th com com.ar com.au com.br com.gr com.pe com.tr com.vn
    cz de dk es fr hu id ie in it jp kr lv my ph pt sa sg sk
"""
_LIVE = "be co.uk com com.ar com.mx de es eu fr it nl"
_YAHOO = "ca co.uk com de fr in it"
_YANDEX = "ru ua kz com by"


def _under(name: str, suffixes: str) -> set[str]:
    return {f"{name}.{suffix}" for suffix in suffixes.split()}


_GOOGLE_DOMAINS = {"gmail.com", "googlemail.com"}
_APPLE_DOMAINS = {"icloud.com", "me.com"}
_MICROSOFT_DOMAINS = (
    _under("hotmail", _HOTMAIL)
    | _under("live", _LIVE)
    | _under("outlook", _OUTLOOK)
    | {"msn.com", "passport.com"}
)
_YAHOO_DOMAINS = _under("yahoo", _YAHOO) | {"rocketmail.com", "ymail.com"}
_YANDEX_DOMAINS = _under("yandex", _YANDEX) | {"ya.ru"}


def _before_plus(local: str) -> str:
    return local.partition("+")[0]


def _before_plus_without_dots(local: str) -> str:
    return _before_plus(local).replace(".", "")


def _before_last_dash(local: str) -> str:
    return local.rpartition("-")[0] if "-" in local else local


def _unchanged(local: str) -> str:
    return local


_MAILBOX_RULES: tuple[tuple[set[str], Callable[[str], str], str | None], ...] = (
    (_GOOGLE_DOMAINS, _before_plus_without_dots, "gmail.com"),
    (_APPLE_DOMAINS, _before_plus, None),
    (_MICROSOFT_DOMAINS, _before_plus, None),
    (_YAHOO_DOMAINS, _before_last_dash, None),
    (_YANDEX_DOMAINS, _unchanged, "yandex.ru"),
)
"""By provider: its domains, what of a local part names the mailbox, and the one domain that stands for all.

The rules of validator.js 13.15, ``normalizeEmail`` with its defaults: they decide which account is found.
"""

_RULE_OF_DOMAIN = {domain: (local, one) for domains, local, one in _MAILBOX_RULES for domain in domains}


def canonical_email(address: str) -> str:
    """The one form, lower-case ASCII, of an address as a person typed it. Raises ValueError with a sentence.

    Not to be repeated on its own result: each round would take another ``-word`` off a Yahoo address.
    """
    return _one_mailbox(*_parts(address))


def exact_email(address: str) -> str:
    """The lower-case ASCII form of just this address. Raises ValueError with a sentence.

    For an address that somebody else has verified: that says nothing about other mailboxes that look or are
    spelled alike, so none is joined with it.
    """
    if not address.rpartition("@")[0].isascii():
        raise ValueError(_LOCAL_PART_NOT_ASCII)
    return "@".join(_parts(address))


def _parts(address: str) -> tuple[str, str]:
    if len(address) > _MAX_LENGTH:
        raise ValueError(_TOO_LONG)
    # NFKC joins look-alikes such as full-width letters. Case folding comes later: that of domain names
    # (UTS 46) keeps ß, because with ss it is somebody else's domain; and the local part is ASCII by then.
    address = unicodedata.normalize("NFKC", address).strip()
    if not address.rpartition("@")[0].isascii():
        raise ValueError(_LOCAL_PART_NOT_ASCII)
    try:
        valid = email_validator.validate_email(
            address, check_deliverability=False, allow_smtputf8=False, strict=True
        )
    except email_validator.EmailNotValidError:
        raise ValueError(_NOT_AN_ADDRESS) from None  # the library's sentences quote the input
    return valid.local_part.lower(), valid.ascii_domain


def _one_mailbox(local: str, domain: str) -> str:
    rule, one = _RULE_OF_DOMAIN.get(domain, (_unchanged, None))
    local = rule(local)
    if not local:
        raise ValueError(_NOT_AN_ADDRESS)
    return f"{local}@{one or domain}"
