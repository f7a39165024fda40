"""The canary in the embedded default: one process and SQLite. Every step fails once, then everything is searched."""

from sqlalchemy import select

from onboarding.db import reading
from onboarding.models import Client, SealedSecret
from tests.builders import promised
from tests.faults.journeys import Journey
from tests.faults.stage import ENDS, PATIENCE, until
from tests.threats.canary import paths, sinks
from tests.threats.canary.conftest import written_out
from tests.threats.canary.dying import die_everywhere, id_of
from tests.threats.canary.watched import Watched, hits


def test_t32_a_secret_is_in_the_one_answer_that_shows_it_and_nowhere_else(
    embedded: Watched,
) -> None:
    die_everywhere(embedded, "serve", "type_chosen", "issuing_secret", "secret_ready")
    shown, encrypted = paths.go_every_way(embedded)
    embedded.settled()
    shown.append(paths.disclosed(embedded))
    write_letters_into_the_folder(embedded)
    shown += [secret for journey in embedded.stage.journeys for _, secret in journey.shown]
    places = embedded.places()
    assert {each: hits(places, each) for each in shown} == {each: {"answers": 1} for each in shown}
    assert [hits(places, each) for each in encrypted] == [{}, {}]
    see_each_place(embedded, places)


def test_what_was_sealed_is_gone_from_the_file_once_it_was_shown(embedded: Watched) -> None:
    """T46. Pages that are free keep nothing: whoever has the file and the keyring finds no secret."""
    journey = embedded.stage.journey()
    assert journey.walk(PATIENCE, {"secret_ready"}) == "secret_ready"
    sealed = sealed_of(journey)
    assert sealed in written_out(embedded.stage.system.folder / "onboarding.db")
    assert journey.walk(PATIENCE) == ENDS[journey.type]
    assert sealed not in written_out(embedded.stage.system.folder / "onboarding.db")


def write_letters_into_the_folder(embedded: Watched) -> None:
    """The last journey is one without a mail server."""
    settings = embedded.stage.system.environment
    before = settings["ONBOARDING_SMTP_URL"]
    settings["ONBOARDING_SMTP_URL"] = ""
    embedded.restart("serve")
    journey = embedded.stage.journey()
    assert journey.walk(PATIENCE) == ENDS[journey.type]
    until(lambda: not promised(onboarding_id=id_of(journey)), "not every letter was written")
    settings["ONBOARDING_SMTP_URL"] = before
    embedded.restart("serve")
    embedded.stage.await_answers()


def see_each_place(embedded: Watched, places: sinks.Contents) -> None:
    """The search has eyes in each place: what must be there is found by the same means."""
    journey = embedded.stage.journeys[-1]
    onboarding, address = str(journey.path)[-36:], f"seller-{journey.number}@sample.example"
    there = {
        address: {"database file", "dump", "mail folder"},
        "Message-ID": {"mail", "mail folder"},
        onboarding: {"webhooks", "answers", "folder", "database log"},
        "debug": {"logs"},
        "onboarding": {"metrics", "traces"},
        "test-credentials": {"processes"},
        "These credentials work": {"terminal"},
    }
    assert {word: found & {*sinks.hits(places, word)} for word, found in there.items()} == there


def sealed_of(journey: Journey) -> bytes:
    with reading() as session:
        found = session.scalars(
            select(SealedSecret.ciphertext)
            .join(Client, Client.id == SealedSecret.client_id)
            .where(Client.onboarding_id == id_of(journey))
        )
        return bytes(found.one())
