"""From where a platform key may be used: by the client's address, and by the page that the browser names."""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from crafter.platform_access.errors import AddressNotAllowed, DomainNotAllowed
from crafter.user_api_keys.documents import KeyRestrictions


@dataclass(frozen=True, slots=True)
class CallSite:
    """Where a request comes from: the client's address, and ``Origin`` or else ``Referer``, if it was sent."""

    address: str
    page: str | None


def check_site(restrictions: KeyRestrictions, site: CallSite) -> None:
    """Raises AddressNotAllowed and DomainNotAllowed. Programs that name no page are not bound to domains."""
    addresses, domains = restrictions.ip_whitelist, restrictions.domain_whitelist
    if addresses and site.address not in {_canonical(address) for address in addresses}:
        raise AddressNotAllowed
    if domains and site.page and _host(site.page) not in {domain.strip().lower() for domain in domains}:
        raise DomainNotAllowed


def _canonical(address: str) -> str:
    """The one spelling of an address; what is none stays as it is, and matches nothing."""
    try:
        return str(ip_address(address.strip()))
    except ValueError:
        return address


def _host(page: str) -> str | None:
    """The name of the host, in lower case; None for what is no address of a page, such as ``null``."""
    try:
        return urlsplit(page).hostname
    except ValueError:
        return None
