"""Whatever changes something says which row of the trail it leaves, or why it needs none: a new one has no line yet, and fails."""

import ast
from functools import cache
from typing import Final

from fastapi.routing import iter_route_contexts

from onboarding import steering
from onboarding.actions import ACTIONS
from onboarding.commands import roles
from onboarding.sealing import Keyring
from tests.commands.test_roles import verbs
from tests.guards.test_docs import ROOT
from tests.web.operating import every_route
from tests.web.visiting import a_site

# What looks changes nothing; a value that is shown in full leaves its row all the same.
LOOKING: Final = {*roles.VERBS["look"], *roles.VERBS["audit"], *roles.FREE} - {"show"}

# Why there is none.
HISTORY: Final = "the onboarding's history has it, with who did it"
STARTS: Final = "it starts a process, whose tasks and clock are no operators"
SAMPLES: Final = "samples, in a sandbox only, each with a history of its own"
SCHEMA: Final = "the table of versions says which; keys that it makes leave `keyring.meet`"
OWNS: Final = "what is its owner's own, by its owner: the row that it makes or ends says when"
DELIVERY: Final = "nothing new: an event that its owner is owed, and `deliveries` has when"
CREDENTIALS: Final = "a client uses what it was given; the client's row has its first and last use"
ASKS: Final = "it looks, and is a POST so that what is typed stands in no address"
OWN_CHOICE: Final = "their own list of views and shortcuts, and nobody else's work"
NEEDLESS: Final = (
    *(HISTORY, STARTS, SAMPLES, SCHEMA, OWNS, DELIVERY, CREDENTIALS, ASKS, OWN_CHOICE),
)

# The name of the row; an action's is that of the action, a run's that of the step.
ACTION: Final = "note"

COMMANDS: Final = {
    "act": ACTION,
    "aggregators set": "aggregator.set",
    "archive": "archive",
    "bulk abort": "run.abort",
    "bulk agree": "run.agree",
    "bulk decline": "run.decline",
    "bulk pause": "run.pause",
    "bulk resume": "run.resume",
    "bulk start": "run.begin",
    "causes mark": "cause.mark",
    "causes note": "cause.note",
    "connection invite": "invite_seller",
    "connection rename": "rename",
    "connection revoke": "revoke_credentials",
    "connection unlink": "end_further_link",
    "demo": SAMPLES,
    "erase": "erase",
    "fire": "cancel",
    "inbound dismiss": "inbound.dismiss",
    "inbound retry": "inbound.retry",
    "keyring retire": "keyring.retire",
    "keyring rotate": "keyring.rotate",
    "keys create": "key.create",
    "keys revoke": "key.revoke",
    "keys rotate": "key.rotate",
    "migrate": SCHEMA,
    "note": ACTION,
    "operators link": "operators.link",
    "operators remove": "operators.remove",
    "relay": STARTS,
    "restored": "restored",
    "retry": "retry",
    "secret end": "end_secret",
    "secret replace": "replace_secret",
    "serve": STARTS,
    "show": "unmask",
    "source add": "source.add",
    "source rm": "source.remove",
    "source rotate": "source.rotate",
    "walk": "key.create",
    "web": STARTS,
    "webhook add": "webhook.add",
    "webhook enable": "webhook.enable",
    "webhook redeliver": "webhook.redeliver",
    "webhook rm": "webhook.remove",
    "worker": STARTS,
}

_ONE: Final = "/v1/onboardings/{onboarding_id}"
_HOOK: Final = "/v1/webhooks/{webhook_id}"
ROUTES: Final = {
    "POST /v1/onboardings": HISTORY,
    f"PATCH {_ONE}": HISTORY,
    f"POST {_ONE}/events": HISTORY,
    f"POST {_ONE}/secret-reveal": HISTORY,
    f"POST {_ONE}/continue-links": OWNS,
    f"POST {_ONE}/client/secrets": HISTORY,
    f"DELETE {_ONE}/client/secrets/{{version}}": OWNS,
    f"PUT {_ONE}/client/key": HISTORY,
    f"DELETE {_ONE}/client": HISTORY,
    f"PUT {_ONE}/developer": OWNS,
    f"DELETE {_ONE}/developer": OWNS,
    f"DELETE {_ONE}/links/{{link_id}}": HISTORY,
    f"POST {_ONE}/seller-invitations": OWNS,
    f"DELETE {_ONE}/seller-invitations/{{invitation_id}}": OWNS,
    "PUT /v1/aggregators/{aggregator_id}": "aggregator.set",
    "POST /v1/webhooks": "webhook.add",
    f"PATCH {_HOOK}": "webhook.change",
    f"DELETE {_HOOK}": "webhook.remove",
    f"POST {_HOOK}/rotate-key": "webhook.rotate",
    f"POST {_HOOK}/test": DELIVERY,
    f"POST {_HOOK}/redeliver": DELIVERY,
    f"POST {_HOOK}/deliveries/{{delivery_id}}/redeliver": DELIVERY,
    "POST /v1/inbound-events": "aggregator.suspended",
    "POST /v1/disclosures": "secret.disclosed",
    "POST /oauth2/token": CREDENTIALS,
    "POST /oauth2/introspect": ASKS,
    "POST /oauth2/revoke": CREDENTIALS,
}

_HOME: Final = "/{locale}/console"
PAGES: Final = {
    f"{_HOME}/onboardings/{{reference}}/{{action}}": ACTION,
    f"{_HOME}/onboardings/{{reference}}/as-seller": "view_as",
    f"{_HOME}/onboardings/{{reference}}/unmask/{{field}}": "unmask",
    f"{_HOME}/onboardings/{{reference}}/mask/{{field}}": "mask",
    f"{_HOME}/audit/verify": ASKS,
    f"{_HOME}/bulk": "run.begin",
    f"{_HOME}/bulk/{{number}}/{{step}}": "run.agree",
    f"{_HOME}/causes/{{task}}/{{code}}/mark": "cause.mark",
    f"{_HOME}/causes/{{task}}/{{code}}/note": "cause.note",
    f"{_HOME}/export": "export",
    f"{_HOME}/find": ASKS,
    f"{_HOME}/inbound/{{event_id}}/dismiss": "inbound.dismiss",
    f"{_HOME}/inbound/{{event_id}}/retry": "inbound.retry",
    f"{_HOME}/shortcuts": OWN_CHOICE,
    f"{_HOME}/undo/{{number}}": "undo",
    f"{_HOME}/views": OWN_CHOICE,
    f"{_HOME}/views/{{view_id}}/delete": "view.delete",
    f"{_HOME}/views/{{view_id}}/alert": "view.alert",
    f"{_HOME}/views/{{view_id}}/alert/stop": OWN_CHOICE,
    f"{_HOME}/webhooks/{{webhook_id}}/redeliver": "webhook.redeliver",
    f"{_HOME}/webhooks/{{webhook_id}}/enable": "webhook.enable",
}


@cache
def written() -> set[str]:
    """Every name that a row may have: it stands as a text somewhere in the program."""
    texts = {
        node.value
        for path in (ROOT / "onboarding").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {*texts, *ACTIONS, *(f"run.{step}" for step in steering.STEPS), "run.begin"}


def unsafe(ring: Keyring) -> set[str]:
    """Every method and path by which programs may change something."""
    return {
        f"{method} {context.path}"
        for context in iter_route_contexts(a_site(ring).routes)
        if str(context.path).startswith(("/v1/", "/oauth2/"))
        for method in (context.methods or ())
        if method not in {"GET", "HEAD", "OPTIONS"}
    }


def test_every_command_that_changes_something_says_which_row_it_leaves() -> None:
    assert verbs() - LOOKING == set(COMMANDS)


def test_every_route_for_programs_says_which_row_it_leaves(ring: Keyring) -> None:
    assert unsafe(ring) == set(ROUTES)


def test_every_page_for_operators_says_which_row_it_leaves() -> None:
    posts = {route.path for route in every_route() if "POST" in (route.methods or ())}
    assert posts == set(PAGES)


def test_every_row_that_they_say_has_a_name_that_there_is() -> None:
    said = {*COMMANDS.values(), *ROUTES.values(), *PAGES.values()}
    assert said - {*NEEDLESS} - written() == set()
