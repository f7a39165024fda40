"""What an endpoint of a calling system may be: where we send to must be theirs, and out in the world.

Somebody else chooses the address, and we are behind a firewall that they are not behind. So an
address is checked when it is named, and again, each of those that its name stands for, whenever
something is sent there (OWASP, Server Side Request Forgery Prevention).
"""

import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from onboarding.settings import Settings
from onboarding.words import N_, Said

LONGEST: Final = 2000

# `ipaddress` takes for global what differs from version to version, all IPv6 but a few, IPv4 inside
# it, and multicast. So what is special (RFC 6890) stands here, and `ipaddress` has a say besides.
_PUBLIC_6: Final = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC: Final = tuple(
    ipaddress.ip_network(each)
    for each in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
        # A cloud's own services behind a public address.
        "168.63.129.16/32",
        # Protocols' own, Teredo among them; documentation; 6to4, with IPv4 inside.
        *("2001::/23", "2001:db8::/32", "3fff::/20", "2002::/16"),
    )
)
# What a resolver can be asked for; an underscore is in no host's name by the rules, and in some.
_NAME_AT_MOST: Final = 253
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
# No top-level domain is one, so it was meant for an address (WHATWG URL, "ends in a number").
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
NAMES_OF_THIS_MACHINE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Unfit(Exception):
    """An endpoint must not be there; the text says why, for whoever has named it."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Which ports may be reached; and whether this machine may, by http as well."""

    ports: frozenset[int] = frozenset({443})
    this_machine: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: a name to be resolved, a port, and what is asked for there."""

    host: str
    port: int
    path: str
    tls: bool


def rules(settings: Settings) -> Rules:
    """In the sandbox, those who try it out run their receivers on the machine that runs it."""
    return Rules(settings.ports_of_webhooks, settings.sandbox)


def target(url: str, rules: Rules) -> Target:
    """What a URL leads to. Raises Unfit."""
    parts, port = _read(url)
    host = parts.hostname or ""
    here = rules.this_machine and host in NAMES_OF_THIS_MACHINE
    if parts.scheme != "https" and not (here and parts.scheme == "http"):
        raise Unfit(N_("An https:// URL."))
    port = port or (443 if parts.scheme == "https" else 80)
    if port not in rules.ports and not here:
        ports = ", ".join(map(str, sorted(rules.ports)))
        raise Unfit(Said(N_("One of these ports: %(ports)s."), ports=ports))
    written = _as_written(host)
    if written is not None and not may_be_reached(written, rules):
        raise Unfit(N_("An address that everybody can reach."))
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(host, port, path, tls=parts.scheme == "https")


def may_be_reached(address: str, rules: Rules) -> bool:
    """Whether an IP address is out in the world, and nobody's inside."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if rules.this_machine and address in NAMES_OF_THIS_MACHINE:
        return True
    if isinstance(ip, ipaddress.IPv6Address) and ip not in _PUBLIC_6:
        return False
    return ip.is_global and not any(ip in network for network in _NOT_PUBLIC)


def _read(url: str) -> tuple[SplitResult, int | None]:
    if len(url) > LONGEST or not url.isascii() or any(c <= " " or c in '\\"<>\x7f' for c in url):
        raise Unfit(Said(N_("A URL of at most %(most)s printable ASCII characters."), most=LONGEST))
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Unfit(N_("A URL.")) from None
    if not parts.hostname or parts.username is not None or "#" in url or "%" in parts.netloc:
        raise Unfit(N_("A URL with a host, without a user and without a fragment."))
    if port == 0:
        raise Unfit(N_("A port from 1 on."))
    if fault := _fault(parts.hostname):
        raise Unfit(fault)
    return parts, port


def _fault(host: str) -> str:
    """Why there can be no host of this name, whoever asks for it (RFC 1035 §2.3.4, RFC 1123 §2.1)."""
    if ":" in host or _as_written(host) is not None:
        return ""
    # A name may end in a dot: then it is whole.
    name = host.removesuffix(".")
    if len(name) > _NAME_AT_MOST:
        return Said(N_("A host of at most %(most)s characters."), most=_NAME_AT_MOST)
    if not all(_LABEL.fullmatch(label) for label in name.split(".")):
        return N_(
            "A host whose parts between the dots are 1 to 63 letters, digits or inner hyphens."
        )
    if _NUMBER.fullmatch(name.rpartition(".")[2]):
        return N_("A host that is a name, or an IP address that there is.")
    return ""


def _as_written(host: str) -> str | None:
    """The IP address that a host is, however it is written: 127.1, 0x7f.1 and 2130706433 are one."""
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return host if ":" in host else None
