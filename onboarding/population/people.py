"""Who samples are about: shops that nobody has, at addresses where nobody reads."""

from dataclasses import dataclass
from typing import Any, Final

from onboarding import registry
from onboarding.access import CLOCK, PLATFORM, Actor, calling_system
from onboarding.chart import MAY_FIRE
from onboarding.ids import new_id
from onboarding.population.chance import Chance
from onboarding.population.roads import Kind
from onboarding.population.scenes import Scene

_FIRST: Final = (
    *("Amber", "Birch", "Cedar", "Cobalt", "Copper", "Coral", "Fern", "Granite"),
    *("Harbour", "Indigo", "Juniper", "Lantern", "Maple", "Marble", "Meadow", "Olive"),
)
_SECOND: Final = (
    *("Attic", "Bakery", "Bicycles", "Books", "Cameras", "Candles", "Garden", "Gifts"),
    *("Kitchen", "Lighting", "Outdoors", "Pets", "Stationery", "Tea", "Tools", "Toys"),
)
_FORMS: Final = {"en": ("Ltd", "Inc."), "fr": ("SARL", "SAS")}
_CONNECTIONS: Final = ("Web shop", "Stock and prices", "Orders to the ERP", "Catalogue export")
# Names that sellers type and no registry has.
_UNKNOWN: Final = ("Northwind Feeds", "Shelfline", "Tradepipe", "Vitrine Directe")
_TYPES_A_NAME: Final = 0.5
_OPERATOR: Final = Actor("operator", "operator:sample", "asked for on the phone")


@dataclass(frozen=True, slots=True)
class Person:
    """Who goes through an onboarding: in a browser, or through a system of theirs."""

    locale: str
    shop_name: str
    seller_id: str
    subject: str
    email: str
    connection_name: str
    actor: Actor
    # As the seller account, once signed in.
    account: Actor


def draw_person(chance: Chance, scene: Scene, *, through_system: bool) -> Person:
    """Somebody who does not exist."""
    locale = chance.by_weight({"en": 3, "fr": 2})
    first, second = chance.one_of(_FIRST), chance.one_of(_SECOND)
    # No Seller ID and no subject of the sandbox's own sellers: nobody can sign in as these.
    seller_id = str(chance.number(9_000_000, 9_999_999))
    subject = f"sample-{seller_id}"
    return Person(
        locale,
        f"{first} {second} {chance.one_of(_FORMS[locale])}",
        seller_id,
        subject,
        f"{first}-{second}-{seller_id}@sample.example".lower(),
        chance.one_of(_CONNECTIONS),
        _actor(scene, through_system=through_system),
        Actor("seller", f"{scene.issuer}#{subject}"),
    )


def who_fires(person: Person, event: str) -> Actor:
    """One of those who may; an operator where the person may not."""
    may = {"seller", "api"} if event == "start" else MAY_FIRE[event]
    if "clock" in may:
        return CLOCK
    if event in ("link_seller", "unlink_seller"):
        return person.account
    if "platform" in may and event != "acknowledge_secret":
        return PLATFORM
    return person.actor if person.actor.kind in may else _OPERATOR


def draw_choices(chance: Chance, scene: Scene, kind: Kind, road: list[str]) -> dict[str, Any]:
    """What `choose_type` sets: the type, and an aggregator that fits what became of it."""
    connection_type, mode = kind
    chosen: dict[str, Any] = {"connection_type": connection_type}
    if mode is None:
        return chosen
    verdicts = [e for e in road if e in ("approve_aggregator", "refuse_aggregator")]
    refused = verdicts[-1:] == ["refuse_aggregator"]
    return chosen | {"credential_mode": mode} | _aggregator(chance, scene, mode, refused=refused)


def why_refused(scene: Scene, choices: dict[str, Any]) -> str:
    """What the registry says of an aggregator; of one that may be connected by now, what it said."""
    found = next((a for a in scene.aggregators if a.id == choices.get("aggregator_id")), None)
    return registry.verdict_on(found).cause or "aggregator_not_registered"


def _actor(scene: Scene, *, through_system: bool) -> Actor:
    if through_system:
        return calling_system(scene.key)
    return Actor("seller", f"browser:{new_id(at=scene.now)}")


def _aggregator(chance: Chance, scene: Scene, mode: str, *, refused: bool) -> dict[str, str]:
    if refused and chance.happens(_TYPES_A_NAME):
        name = chance.one_of(_unknown_to(scene))
        return {"aggregator_name": name, "aggregator_folded_name": registry.fold(name)}
    fitting = [a for a in scene.aggregators if registry.verdict_on(a).approved != refused]
    asked = [a for a in fitting if refused or a.asks_for == mode]
    found = chance.one_of(asked or fitting or scene.aggregators)
    return {"aggregator_id": found.id, "aggregator_name": found.name}


def _unknown_to(scene: Scene) -> list[str]:
    """Who waits for one of these is woken once an operator registers it."""
    known = {aggregator.folded_name for aggregator in scene.aggregators}
    return [n for n in _UNKNOWN if registry.fold(n) not in known] or ["A feed of our own"]
