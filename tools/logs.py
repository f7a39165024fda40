"""The page about logs: `python -m tools.logs > docs/logs.md`."""

import sys

from onboarding import log_lines

if __name__ == "__main__":
    sys.stdout.write(log_lines.markdown())
