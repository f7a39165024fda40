"""Who sits at a terminal: whoever has one has the database, so no role is asked for."""

import getpass
import os

from onboarding.operators import Who


def operator() -> Who:
    """Whoever sits at this terminal, by the name that the system knows."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        # A container's user often has a number only.
        name = str(os.getuid())
    return Who(f"cli:{name}", name, None)
