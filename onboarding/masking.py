"""Personal data as it may stand on a screen: enough to recognise it, too little to use it."""

# A longer text keeps this many characters at its beginning.
_SHOWN = 2
_DOTS = "***"


def email(address: str | None) -> str:
    """`al***@sh***.example` for an address; nothing for none."""
    if not address:
        return ""
    name, _, host = address.rpartition("@")
    domain, _, top = host.rpartition(".")
    return f"{text(name)}@{text(domain)}.{top}"


def text(value: str | None) -> str:
    """The beginning of a name or a number; nothing for none."""
    return f"{value[:_SHOWN]}{_DOTS}" if value else ""
