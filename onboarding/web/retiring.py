"""Routes that will go: said in each of their answers, and in the API's description.

`@router.get("/old", **retiring(since=…, until=…, instead="/docs"))` is all that a route needs.
"""

from datetime import datetime
from email.utils import format_datetime
from typing import Any

from fastapi import Depends, Request

from onboarding.web.announcing import announce


def retiring(*, since: datetime, until: datetime, instead: str) -> dict[str, Any]:
    """What the decorator of such a route takes: Deprecation (RFC 9745), Sunset (RFC 8594), Link.

    Both instants in UTC; `instead` is the address of what to do instead.
    """
    headers = {
        "Deprecation": f"@{int(since.timestamp())}",
        "Sunset": format_datetime(until, usegmt=True),
        "Link": f'<{instead}>; rel="deprecation"; type="text/html",'
        f' <{instead}>; rel="sunset"; type="text/html"',
    }

    async def told(request: Request) -> None:
        announce(request, headers)

    return {"deprecated": True, "dependencies": [Depends(told)]}
