"""Pages: language, caching, forms that keep what was typed, and the one page that says no."""

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from jinja2 import UndefinedError

from onboarding.errors import Invalid, MovedOn, NotFound, Refusal, TooMany
from onboarding.web import pages
from onboarding.web.assets import assets
from onboarding.words import LOCALES
from tests.web.asking import own_templates, request_for

ERRORS = {
    "": "Nothing was saved",
    "connection_type": "Select how you will connect",
    "seller_id": "Enter your Seller ID",
    "aggregator": "Select your aggregator",
    "note": "Write less",
    "scopes": "Select one",
    "stored": "Store it first",
}


@pytest.fixture(autouse=True)
def _templates() -> Iterator[None]:
    with own_templates():
        yield


def shown(locale: str = "en", template: str = "styleguide.html", **context: Any) -> BeautifulSoup:
    made = pages.page(
        request_for(f"/{locale}/styleguide"), template, when=datetime.now(UTC), **context
    )
    return BeautifulSoup(bytes(made.body), "html.parser")


def one(soup: BeautifulSoup, selector: str) -> Tag:
    """The only element that fits."""
    (found,) = soup.select(selector)
    return found


def test_a_page_is_never_stored_and_says_its_language() -> None:
    made = pages.page(
        request_for("/fr/styleguide"), "styleguide.html", status=422, when=datetime.now(UTC)
    )
    assert (made.status_code, made.headers["cache-control"]) == (422, "no-store")
    assert made.headers["content-language"] == "fr"
    assert one(shown("fr"), "html")["lang"] == "fr"


@pytest.mark.parametrize(
    ("path", "accept_language", "locale"),
    [
        ("/fr/type", "en", "fr"),
        ("/en/type", "fr", "en"),
        ("/", "fr-CA,en;q=0.5", "fr"),
        ("/", "de,en;q=0.7,fr;q=0.9", "fr"),
        ("/french", "", "en"),
        ("/fra/type", "nonsense;q=x", "en"),
    ],
)
def test_the_path_decides_the_language_and_then_the_browser(
    path: str, accept_language: str, locale: str
) -> None:
    assert pages.locale_of(request_for(path, accept_language=accept_language)) == locale
    assert (
        pages.path_for(request_for(path, accept_language=accept_language), "/link")
        == f"/{locale}/link"
    )


def test_the_other_language_is_the_same_page() -> None:
    made = pages.page(request_for("/en/a b/?x", "q=1&n=é"), "done.html")
    link = one(BeautifulSoup(bytes(made.body), "html.parser"), ".govuk-language-navigation a")
    assert (link["hreflang"], link["lang"], link.text) == ("fr", "fr", "Français")
    assert link["href"] == "/fr/a%20b/%3Fx?q=1&n=é"


def test_a_page_without_a_language_in_its_path_links_to_the_start() -> None:
    made = pages.page(request_for("/oauth2/none", "code=1"), "done.html")
    assert one(BeautifulSoup(bytes(made.body), "html.parser"), "a[hreflang]")["href"] == "/fr/"


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("errors", [{}, ERRORS])
def test_every_reference_inside_a_page_leads_somewhere(locale: str, errors: dict[str, str]) -> None:
    soup = shown(locale, errors=errors, notice="Changed", back="/en/", reference="ONB-7F3K-22Q")
    ids = [str(element["id"]) for element in soup.select("[id]")]
    assert len(ids) == len(set(ids))
    wanted = [
        reference
        for name in ("aria-describedby", "aria-labelledby", "for", "data-copy", "data-save")
        for element in soup.select(f"[{name}]")
        for reference in str(element[name]).split()
    ]
    wanted += [str(link["href"])[1:] for link in soup.select('a[href^="#"]')]
    assert wanted
    assert set(wanted) <= set(ids)


def test_an_error_is_said_in_the_title_the_summary_and_at_its_field() -> None:
    soup = shown(errors=ERRORS)
    assert one(soup, "title").text.startswith("Error: How will you connect")
    summary = [(str(a["href"]), a.text) for a in soup.select(".govuk-error-summary a")]
    assert summary == [(f"#{name}", text) for name, text in ERRORS.items() if name]
    for name, text in ERRORS.items():
        if name:
            assert one(soup, f"#{name}-error").text == f"Error: {text}"
            wired = [str(field["aria-describedby"]) for field in soup.select("[aria-describedby]")]
            assert any(f"{name}-error" in described.split() for described in wired)
    assert not shown().select(".govuk-error-summary, .govuk-error-message")


def test_what_was_typed_is_kept_and_harmless() -> None:
    typed = {
        "seller_id": '"><script>x</script>',
        "connection_type": "unsure",
        "scopes": ["orders", "stock"],
        "aggregator": "",
        "note": "</textarea>",
        "stored": "yes",
    }
    soup = shown(typed=typed)
    assert one(soup, "#seller_id")["value"] == '"><script>x</script>'
    assert [field["value"] for field in soup.select("[checked]")] == [
        "unsure",
        "orders",
        "stock",
        "yes",
    ]
    assert one(soup, "#aggregator option[selected]")["value"] == ""
    assert one(soup, "#note").text == "</textarea>"
    assert len(soup.select("script")) == 1


def test_without_anything_typed_the_stored_values_stand() -> None:
    soup = shown()
    assert [field["value"] for field in soup.select("[checked]")] == ["plugin", "orders"]
    assert one(soup, "#email")["value"] == "seller@shop.example"
    assert [field["value"] for field in soup.select("input[type=hidden]")] == ["n-1", "3"]


def test_a_misspelt_name_in_a_template_is_an_error() -> None:
    made = pages.environment("en").from_string("{{ refrence }}")
    with pytest.raises(UndefinedError):
        made.render()


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(
    "error", [NotFound(), MovedOn("verifying", 7), Invalid({"a": "b"}), TooMany(30)]
)
def test_a_refusal_says_what_happened_and_offers_one_way_on(locale: str, error: Refusal) -> None:
    made = pages.refusal(request_for(f"/{locale}/x"), error)
    soup = BeautifulSoup(bytes(made.body), "html.parser")
    assert made.status_code == error.status
    assert made.headers.get("retry-after") == ("30" if isinstance(error, TooMany) else None)
    assert one(soup, "main .govuk-button")["href"] == f"/{locale}/"
    assert (error.advice in one(soup, "main").text) is (locale == "en")
    assert (error.sentence in one(soup, "main").text) is (locale == "en")


def test_a_first_visit_stays_under_25_kilobytes() -> None:
    longest = pages.page(request_for("/fr/x"), "styleguide.html", when=datetime.now(UTC))
    assert len(gzip.compress(bytes(longest.body))) < 4_000
    # Even where nothing compresses the page itself.
    usual = pages.page(request_for("/fr/x"), "done.html")
    assert len(usual.body) + sum(len(asset.gzipped) for asset in assets().values()) < 25_000
