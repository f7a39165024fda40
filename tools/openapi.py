"""Writes the API's description: `python -m tools.openapi`, into docs/openapi.json.

It refuses to write one that breaks callers of the one that is there, and says what would: within /v1 the
API only grows. `--breaking` writes it all the same; `--against FILE` compares with another one and writes
nothing.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from onboarding.sealing import open_keyring
from onboarding.settings import settings
from onboarding.web.app import create_app
from tools.openapi_changes import breaking

PAGE = Path(__file__).parent.parent / "docs" / "openapi.json"


def document() -> dict[str, Any]:
    """As the program describes itself, without a machine's settings."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(settings(), open_keyring(Path(folder)))
        return app.openapi()


def text(described: dict[str, Any]) -> str:
    return json.dumps(described, indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--breaking", action="store_true")
    parser.add_argument("--against", type=Path)
    chosen = parser.parse_args()
    new, old = document(), chosen.against or PAGE
    found = breaking(json.loads(old.read_text(encoding="utf-8")), new) if old.exists() else []
    for each in found:
        print(each, file=sys.stderr)
    if found and not chosen.breaking:
        return 1
    if chosen.against is None:
        PAGE.write_text(text(new), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
