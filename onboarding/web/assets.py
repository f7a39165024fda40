"""The style sheet, the script and the icon: read once, compressed once, cached for ever.

Their address changes with them. `tools/vendor` builds them.
"""

import gzip
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

STATIC = Path(__file__).parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Asset:
    """One file as it is sent."""

    media_type: str
    version: str
    plain: bytes
    gzipped: bytes


def mount_static(app: Starlette) -> None:
    """Serves the files of `static/` under /static/."""
    app.router.add_route("/static/{name:path}", _send, include_in_schema=False)


def static_url(name: str) -> str:
    """The address of a static file. Raises KeyError for a file that does not exist."""
    return f"/static/{name}?v={assets()[name].version}"


@cache
def assets() -> dict[str, Asset]:
    """Every file that pages may load, by name."""
    found = (path for path in sorted(STATIC.iterdir()) if path.suffix in _TYPES)
    return {path.name: _read(path) for path in found}


def _read(path: Path) -> Asset:
    plain = path.read_bytes()
    gzipped = gzip.compress(plain, compresslevel=9, mtime=0)
    return Asset(_TYPES[path.suffix], sha256(plain).hexdigest()[:8], plain, gzipped)


def _send(request: Request) -> Response:
    """The file. Only under its own version may it be kept, or the next release would get this one."""
    asset = assets().get(request.path_params["name"])
    if asset is None:
        raise HTTPException(404)
    zipped = "gzip" in request.headers.get("accept-encoding", "")
    current = request.query_params.get("v") == asset.version
    headers = {"Cache-Control": _FOR_EVER if current else "no-cache", "Vary": "Accept-Encoding"}
    headers |= {"Content-Encoding": "gzip"} if zipped else {}
    return Response(
        asset.gzipped if zipped else asset.plain, media_type=asset.media_type, headers=headers
    )
