"""Labels lead to the right door, whatever their language and spelling."""

import re
from dataclasses import replace
from datetime import date, timedelta
from time import monotonic

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.routing import CURRENT, RULE_SETS, Verdict, route, rule_set
from onboarding.routing_labels import SYNONYMS, lexicon, read

DELEGATED = ("type", "aggregator", "delegated", None)
FULL = ("ask", None, "full", "who_runs_it")
SOAP = ("type", "legacy_soap", None, None)
OWN = ("type", "own_development", None, None)
CREDENTIALS = ("type", "credentials_only", None, None)
STOP = ("stop", None, None, None)
UNSUPPORTED = ("unsupported", None, None, None)
# What these classes say is no value that a tool asks for.
UNASKED = {"env", "other", "lane", "several"}
UNHURRIED = settings(deadline=None)


def ask(question: str) -> tuple[str, None, None, str]:
    return ("ask", None, None, question)


def outcome(verdict: Verdict) -> tuple[str, str | None, str | None, str | None]:
    return (
        verdict.verdict,
        verdict.connection_type,
        verdict.credential_mode,
        verdict.question,
    )


LABEL_SETS = [
    ("Seller ID", DELEGATED),
    ("clientId, clientSecret, sellerId", FULL),
    ("login, password, sellerId", FULL),
    ("username-api, password", SOAP),
    ("login, password", ask("seller_id_elsewhere")),
    ("clientId, clientSecret", ask("seller_id_elsewhere")),
    ("clientId only", ask("who_gave_the_client_id")),
    ("clientId, clientSecret, grant_type, base_url(s), seller_id", FULL),
    ("API-Username, API-Password, Octopia Seller ID (one page)", ask("which_generation")),
    ("Seller ID for products + username/password for offers", ask("which_generation")),
    ("API key / token / OCP-APIM-Subscription-Key", UNSUPPORTED),
    ("client id, client secret, seller id, seller id (per country)", FULL),
    ("JWKS / certificate / public key", OWN),
    ("shop URL, admin login", UNSUPPORTED),
    ("e-mail + password of seller account", STOP),
    ("redirect URL, scopes", UNSUPPORTED),
    ('nothing, "just connect" button', DELEGATED),
    ("Foo, Bar, Baz, Qux", ask("values")),
    ("Identifiant client, Secret client, Identifiant vendeur", FULL),
    ("Client-Kennung, Client-Geheimnis, Verkäufernummer", FULL),
    ("客户端ID、客户端密钥、卖家编号", FULL),
    ("secret, secret", ask("which_is_the_client_id")),
    ('"secret" asked twice (id/secret confusion)', ask("which_is_the_client_id")),
]


@pytest.mark.parametrize(("text", "expected"), LABEL_SETS)
def test_a_label_set_leads_where_the_table_says(text: str, expected: tuple[str, ...]) -> None:
    labels = re.split(r", |、", text)
    assert outcome(route(labels)) == expected
    assert outcome(route([text])) == expected
    assert outcome(route(["\n".join(labels)])) == expected


SELLER_IDS = """
    sellerId | SELLER_ID | Vendor ID | N° vendeur | Numéro de vendeur
    Identifiant de votre boutique | Haendlernummer | Shop-Nr. | Codice del venditore
    ID del vendedor | 请输入您的卖家ID | 賣家ID | Your Seller ID * | octopiaSellerId
    Identifiant (Seller ID) | The seller's ID:
"""
# Wide and invisible signs, a combining accent, and a control character.
DISGUISED = [
    "\uff33eller\u3000ID",
    "S\u00adeller\u200bID",
    "\ufeffSe\u0301ller\u00a0ID",
    "Seller\x00ID",
]
PRINCIPALS = """
    clientId | CLIENT_ID | app id | Login | User name | AppKey | Key ID | Identifiant
    Nom d\u2019utilisateur | Benutzername | Nome utente | Usuario | 用户名
"""
SECRETS = """
    clientSecret | App secret | API key secret | Password | Mot de passe | Kennwort | Clé secrète
    Geheimer Schlüssel | Contraseña | Parola d'ordine | 密钥 | 密码
"""


def names(text: str) -> list[str]:
    return [name.strip() for name in re.split(r"[|\n]", text.strip())]


@pytest.mark.parametrize("seller", [*names(SELLER_IDS), *DISGUISED])
def test_a_seller_id_is_known_in_every_spelling(seller: str) -> None:
    assert outcome(route([seller])) == DELEGATED


@pytest.mark.parametrize("principal", names(PRINCIPALS))
@pytest.mark.parametrize("secret", names(SECRETS))
def test_a_client_id_and_secret_are_known_by_every_name(principal: str, secret: str) -> None:
    assert outcome(route([principal, secret, "Seller ID"])) == FULL
    assert outcome(route([principal, secret])) == ask("seller_id_elsewhere")


TRAPS = [
    # The pair may be called login and password, and still be REST.
    ("login, password, shop number", FULL),
    # Two values on one screen are not yet two values.
    ("login, password", ask("seller_id_elsewhere")),
    ("API login, API password", SOAP),
    # The third label may be a Seller ID in a language that we do not read.
    ("API login, API password, Numer sprzedawcy", ask("seller_id_elsewhere")),
    ("Seller ID, Sekret klienta", ask("values")),
    # Two logins: the one to the seller account is nobody else's, the one of an API is.
    ("Seller login, Seller password", STOP),
    ("Mot de passe de votre compte vendeur, E-mail", STOP),
    ("E-mail, Password", STOP),
    ("Login, Password for the Seller Portal", STOP),
    ("clientId, clientSecret, sellerId, Contact e-mail", FULL),
    # A developer for a seller needs the link as well; a Seller ID tells.
    ("I am the developer", CREDENTIALS),
    ("I am the aggregator, clientId, clientSecret", CREDENTIALS),
    ("I am the developer, clientId, clientSecret, sellerId", FULL),
    # Half a set, or more than we issue.
    ("clientId, sellerId", ask("who_gave_the_client_id")),
    ("login, sellerId", ask("values")),
    ("login, client secret", ask("seller_id_elsewhere")),
    ("client secret, sellerId", ask("which_is_the_client_id")),
    ("sellerId, API key", UNSUPPORTED),
    ("clientId, clientSecret, sellerId, API key", ask("values")),
    ("clientId, public key, sellerId", OWN),
    ("token, secret", ask("values")),
    ("e-mail", ask("values")),
    ("shop URL", UNSUPPORTED),
    ("shop URL, login, password", ask("seller_id_elsewhere")),
    # One account sells in several countries, and a page asks for much that is not ours.
    ("Seller ID (per country), Country, Shop name, Language", DELEGATED),
    ("Client ID Client Secret Seller ID", FULL),
    ("login password sellerId", FULL),
    ("It asks for a login and a password and my Seller ID", FULL),
    ("Client ID for orders, Client secret, Seller ID", FULL),
    ("clientId, clientSecret, sellerId, redirect URL, Warehouse, Whatever", FULL),
    # A look-alike of a word is another word.
    ("Seller identity card", ask("values")),
    ("tokenizer", ask("values")),
]


@pytest.mark.parametrize(("text", "expected"), TRAPS)
def test_a_trap_is_avoided(text: str, expected: tuple[str, ...]) -> None:
    assert outcome(route([text])) == expected


@pytest.mark.parametrize(
    "labels", [[], [""], ["  \n"], ["*"], ["nothing"], ["base URL"], ["\u200b"], ["1."]]
)
def test_nothing_asked_for_asks_the_first_question(labels: list[str]) -> None:
    assert outcome(route(labels)) == ask("connection_type")


def test_a_client_id_and_secret_without_a_seller_id_are_not_called_soap() -> None:
    assert "SOAP" not in route(["clientId", "clientSecret"]).why


def test_every_decision_can_be_reached_and_is_one_sentence() -> None:
    texts = ["", *(text for text, _ in LABEL_SETS + TRAPS)]
    reached = {CURRENT.decide(read([text], CURRENT.lexicon)) for text in texts}
    assert set(CURRENT.decisions) - reached == set()
    assert all(re.fullmatch(r"[A-Z][^.]+\.", decision.why) for decision in reached)


def test_no_words_stand_for_two_classes() -> None:
    claims: dict[str, set[str]] = {}
    for name, listed in SYNONYMS.items():
        for words in lexicon({name: listed}).classes:
            claims.setdefault(words, set()).add(name)
    assert {words: names for words, names in claims.items() if len(names) > 1} == {}


def test_every_synonym_is_read_as_its_class() -> None:
    for name, listed in SYNONYMS.items():
        for synonym in listed.split(","):
            assert (name in read([synonym], CURRENT.lexicon)) is (name not in UNASKED), synonym


# Rules with dates


def test_a_verdict_names_the_rules_it_was_made_by() -> None:
    verdict = route(["Seller ID"])
    assert verdict.rules == CURRENT.version == "2026-11-01"
    assert rule_set(date.fromisoformat(verdict.rules)) is CURRENT
    assert route(["Seller ID"], on=date(2020, 1, 1)).rules == RULE_SETS[0].version


def test_rules_take_effect_on_their_day_and_not_before() -> None:
    later = replace(CURRENT, effective_from=CURRENT.effective_from + timedelta(days=90))
    sets = (later, CURRENT)
    assert rule_set(later.effective_from, sets) is later
    assert rule_set(later.effective_from - timedelta(days=1), sets) is CURRENT
    assert rule_set(date.min, sets) is CURRENT


def test_versions_are_distinct() -> None:
    assert len({rules.version for rules in RULE_SETS}) == len(RULE_SETS)


# Whatever is pasted

SYNONYM = st.sampled_from([word.strip() for all_ in SYNONYMS.values() for word in all_.split(",")])
LABELS = st.lists(SYNONYM | st.text(max_size=30), max_size=8)
ENVIRONMENT = st.sampled_from([word.strip() for word in SYNONYMS["env"].split(",")])
RESPELLED = st.sampled_from([str.upper, str.lower, str.title, "  {}\t".format, "{}\u200b *".format])


@UNHURRIED
@given(LABELS.flatmap(lambda labels: st.tuples(st.just(labels), st.permutations(labels))))
def test_the_order_of_labels_never_matters(both: tuple[list[str], list[str]]) -> None:
    assert route(both[0]) == route(both[1])


@UNHURRIED
@given(st.lists(SYNONYM, min_size=1, max_size=6), st.data())
def test_the_same_label_spelled_otherwise_changes_nothing(
    labels: list[str], data: st.DataObject
) -> None:
    again = data.draw(RESPELLED)(data.draw(st.sampled_from(labels)))
    assert route([*labels, again]) == route(labels)
    assert route([data.draw(RESPELLED)(label) for label in labels]) == route(labels)


@UNHURRIED
@given(LABELS, ENVIRONMENT)
def test_a_setting_of_the_tool_changes_nothing(labels: list[str], setting: str) -> None:
    assert route([*labels, setting]) == route(labels)


@UNHURRIED
@given(st.lists(st.text(st.characters(exclude_categories=())), max_size=10))
def test_any_text_can_be_read(labels: list[str]) -> None:
    assert route(labels).verdict in {"type", "ask", "stop", "unsupported"}


@pytest.mark.parametrize(
    "text",
    ["a", "a ", "aB", " e ", "seller ", "I am the ", "卖", "\u0301", "\ufdfa", ",", "((", " \n"],
)
def test_reading_takes_time_in_proportion_to_the_text(text: str) -> None:
    # Word by word, a few hundredths of a second; with every pair of words, many times as long.
    started = monotonic()
    route([text * 3_000])
    assert monotonic() - started < 3


def test_ten_thousand_labels_are_read() -> None:
    assert outcome(route([f"label {n}" for n in range(10_000)])) == ask("values")
    assert outcome(route(["Seller ID", "Country"] * 5_000)) == DELEGATED
