"""A part of the application is asked for its own addresses, all of them and no others."""

import re

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import Match

from onboarding.web import api, console
from onboarding.web.parts import Part

PARTS = {"api": api.router, "console": console.router}


@pytest.mark.parametrize("name", PARTS)
def test_every_route_of_a_part_is_within_it(name: str) -> None:
    part = PARTS[name]
    paths = [str(context.path) for context in iter_route_contexts(part.routes)]
    assert len(paths) > 50
    addresses = [re.sub(r"\{[^}]*\}", "anything", path) for path in paths]
    assert [each for each in addresses if not part.within.match(each)] == []


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/within/this", True),
        ("/within", False),
        ("/another/within/this", False),
        ("/another", False),
    ],
)
@pytest.mark.parametrize("root", ["", "/behind/a/proxy"])
def test_a_part_is_asked_for_nothing_else(path: str, root: str, *, asked: bool) -> None:
    part, app = Part("/within/", prefix="/within"), FastAPI()
    part.add_api_route("/{rest:path}", lambda: None)
    app.include_router(part)
    scope = {
        "type": "http",
        "method": "GET",
        "path": f"{root}{path}",
        "root_path": root,
        "headers": [],
    }
    matches = [match for match, _ in (route.matches(scope) for route in app.routes)]
    assert (Match.FULL in matches[-1:]) is asked
