"""Where we send to is out in the world: however it is written."""

import pytest

from onboarding import endpoints
from onboarding.endpoints import Rules, Unfit

OUT_THERE = Rules()
HERE = Rules(this_machine=True)

INSIDE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "100.100.100.200",
    "169.254.169.254",
    "192.0.0.192",
    "168.63.129.16",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.255",
    "255.255.255.255",
    "192.88.99.1",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::",
    "2001::1",
    "2001:db8::1",
    "3fff::1",
    "fe80::1",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "5f00::1",
    "100::1",
    "fe80::1%lo",
    "nonsense",
    "",
]
# As people, and those who attack, write the machine itself.
WRITTEN = [
    *("127.1", "2130706433", "0x7f.1", "0177.0.0.1", "0", "0x7f000001", "017700000001", "127.0.1"),
    *("[::ffff:127.0.0.1]", "[::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fec0::1]", "[::]"),
    *("169.254.169.254", "[ff02::1]", "224.0.0.1", "[::127.0.0.1]"),
]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_not_reached(address: str) -> None:
    """T16."""
    assert not endpoints.may_be_reached(address, OUT_THERE)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "2a00:1450::1"])
def test_an_address_in_the_world_is(address: str) -> None:
    assert endpoints.may_be_reached(address, OUT_THERE)


@pytest.mark.parametrize("host", WRITTEN)
def test_however_the_machine_itself_is_written_it_is_no_endpoint(host: str) -> None:
    with pytest.raises(Unfit):
        endpoints.target(f"https://{host}/hooks", OUT_THERE)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/",
        "ftp://hooks.example/",
        "file:///etc/passwd",
        "https://",
        "https:///hooks",
        "https://hooks.example:8443/",
        "https://hooks.example:99999/",
        "https://user@hooks.example/",
        "https://user:secret@hooks.example/",
        "https://@hooks.example/",
        "https://hooks.example/#part",
        "https://hooks.example/ two",
        "https://hooks.example/\r\nX: 1",
        "https://hooks.example\\@127.0.0.1/",
        "https://127.0.0.1%00.hooks.example/",
        "https://[fe80::1%25lo]/",
        "https://[::1/",
        "https://é.example/",
        "https://hooks.example/" + "x" * 2000,
        "http://127.0.0.1/",
        "hooks.example",
        "",
    ],
)
def test_what_is_no_endpoint_is_said_to_be_none(url: str) -> None:
    with pytest.raises(Unfit):
        endpoints.target(url, OUT_THERE)


LONG = ".".join(["a" * 49] * 5)
NO_HOSTS = {
    "a label of 64 characters": ("a" * 64 + ".example", "parts"),
    "an empty label": ("hooks..example", "parts"),
    "an empty label at the beginning": (".hooks.example", "parts"),
    "two dots at the end": ("hooks.example..", "parts"),
    "nothing but a dot": (".", "parts"),
    "a hyphen at the beginning": ("-hooks.example", "parts"),
    "a hyphen at the end": ("hooks-.example", "parts"),
    "a star": ("*.example", "parts"),
    "an exclamation": ("hooks!.example", "parts"),
    "254 characters": (f"{LONG}.abcd", "253"),
    "254 characters and a dot": (f"{LONG}.abcd.", "253"),
    "an address with too high a number": ("8.8.8.256", "IP address"),
    "an address with too many numbers": ("8.8.8.8.8", "IP address"),
    "a name that ends in a number": ("hooks.0x1z.0x1", "IP address"),
    "port 0": ("hooks.example:0", "port"),
    "port 00": ("hooks.example:00", "port"),
}


@pytest.mark.parametrize(("host", "says"), NO_HOSTS.values(), ids=NO_HOSTS)
def test_a_host_that_cannot_exist_is_said_to_be_none(host: str, says: str) -> None:
    for rules in (OUT_THERE, HERE):
        with pytest.raises(Unfit, match=says):
            endpoints.target(f"https://{host}/hooks", rules)


@pytest.mark.parametrize(
    "host",
    [
        *("a" * 63 + ".example", f"{LONG}.abc", f"{LONG}.abc.", "Hooks.Example", "hooks.example."),
        *("xn--bcher-kva.example", "a-b.example", "my_hooks.example", "1.example", "8.8.8.8"),
        *("hooks", "3com.example", "[2606:4700::1111]", "0x08.8.8.8"),
    ],
)
def test_a_host_that_may_exist_is_taken(host: str) -> None:
    assert endpoints.target(f"https://{host}/hooks", OUT_THERE).path == "/hooks"


def test_other_ports_are_for_those_who_say_so() -> None:
    rules = Rules(frozenset({443, 8443}))
    assert endpoints.target("https://hooks.example:8443/a?b=c", rules).port == 8443
    assert endpoints.target("https://hooks.example/a?b=c", rules).path == "/a?b=c"


@pytest.mark.parametrize("url", ["http://hooks.example/", "http://10.0.0.1/", "http://127.1/"])
def test_in_the_sandbox_http_is_for_this_machine_by_its_names(url: str) -> None:
    assert endpoints.target("http://127.0.0.1:9000/", HERE).port == 9000
    with pytest.raises(Unfit):
        endpoints.target(url, HERE)
