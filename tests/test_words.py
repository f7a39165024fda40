"""Words: languages are negotiated, sentences translated, dates and durations written as people write them."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from onboarding import words

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("accept_language", "locale"),
    [
        (None, "en"),
        ("", "en"),
        ("fr", "fr"),
        ("FR-ca", "fr"),
        ("de, fr;q=0.8, en;q=0.9", "en"),
        ("en;q=0.2, fr", "fr"),
        ("fr;q=0, de", "en"),
        ("en, fr", "en"),
        ("fr, en", "fr"),
        ("*;q=0.1, fr;q=abc", "en"),
        (";;;,,,q=;=", "en"),
        ("fr;q=nan", "en"),
    ],
)
def test_the_language_is_the_one_wanted_most(accept_language: str | None, locale: str) -> None:
    assert words.negotiate(accept_language) == locale


def test_a_sentence_is_translated_and_filled_in() -> None:
    assert words.translate("fr", "Step %(step)s of %(steps)s", step=2, steps=4) == "Étape 2 sur 4"
    assert words.translator("en")("Step %(step)s of %(steps)s", step=2, steps=4) == "Step 2 of 4"


def test_a_sentence_without_translation_is_english() -> None:
    assert (
        words.translate("fr", "Not in any catalogue, %(who)s", who="you")
        == "Not in any catalogue, you"
    )


def test_an_unknown_language_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        words.translations("de")


def test_instants_are_written_in_utc_whatever_their_zone() -> None:
    tokyo = NOON.astimezone(timezone(timedelta(hours=9)))
    assert words.format_datetime("en", tokyo) == "23 November 2026 at 12:00 UTC"
    assert words.format_datetime("fr", tokyo) == "23 novembre 2026 à 12:00 UTC"
    assert words.format_date("fr", tokyo) == "23 novembre 2026"


def test_the_first_of_a_month_is_the_first_in_french() -> None:
    first, eleventh = (datetime(2026, 12, day, 9, tzinfo=UTC) for day in (1, 11))
    assert words.format_datetime("fr", first) == "1er décembre 2026 à 09:00 UTC"
    assert words.format_date("fr", eleventh) == "11 décembre 2026"
    assert words.format_date("en", first) == "1 December 2026"


@pytest.mark.parametrize(
    ("length", "english", "french"),
    [
        (timedelta(minutes=10), "10 minutes", "10 minutes"),
        (timedelta(minutes=90), "90 minutes", "90 minutes"),
        (timedelta(hours=24), "24 hours", "24\u00a0heures"),
        (timedelta(days=3), "3 days", "3\u00a0jours"),
    ],
)
def test_durations(length: timedelta, english: str, french: str) -> None:
    assert words.format_duration("en", length) == english
    assert words.format_duration("fr", length) == french


def test_templates_speak_one_language_and_escape_only_html(tmp_path: Path) -> None:
    for name in ("mail.html", "mail.txt"):
        (tmp_path / name).write_text('{{ _("Back") }} {{ who }} {{ when|date }}\n')
    made = words.environment(tmp_path, "fr")
    html, text = (
        made.get_template(n).render(who="<b>", when=NOON) for n in ("mail.html", "mail.txt")
    )
    assert html == "Retour &lt;b&gt; 23 novembre 2026\n"
    assert text == "Retour <b> 23 novembre 2026\n"


@pytest.mark.parametrize("name", ["page.html", "letter.txt"])
def test_a_sentence_is_the_same_compiled_or_asked_for(tmp_path: Path, name: str) -> None:
    """One without values is compiled into its template; one that comes from elsewhere is asked for."""
    made = words.environment(tmp_path, "fr")
    compiled = made.compile('{{ _("Back") }}', name, raw=True)
    assert "Retour" in compiled
    assert "_(" not in compiled
    (tmp_path / name).write_text(
        '{{ _("Back") }} {{ _(told) }} {{ _("100%%") }} {{ _(share) }} {{ _("%(a)s & b", a=who) }}'
    )
    shown = made.get_template(name).render(told="Back", share="100%%", who="<b>")
    who = "&lt;b&gt;" if name.endswith(".html") else "<b>"
    assert shown == f"Retour Retour 100% 100% {who} & b"
