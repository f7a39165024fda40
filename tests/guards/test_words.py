"""Every sentence is in the catalogues, every catalogue is complete, and no template speaks English by itself."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages import Catalog
from bs4 import BeautifulSoup
from bs4.element import Comment, Doctype, NavigableString
from jinja2 import nodes

from onboarding import words
from onboarding.actions import ACTIONS
from onboarding.causes import CAUSES
from onboarding.web import console_words
from tools import messages

PRODUCT = Path(words.__file__).parent
TEMPLATES = sorted(
    path
    for path in PRODUCT.rglob("*")
    if path.suffix in {".html", ".txt"} and path.parts[-2] != "licences"
)
READ_ALOUD = ("alt", "aria-label", "placeholder", "title", "label")
GETTEXT = {"_", "gettext", "ngettext", "pgettext", "npgettext"}
HOLE = "\ue000"
WORD = re.compile(r"[^\W\d_]{2,}")
SENTENCE = re.compile(r"[A-Z][a-z]+([ .!?:]|$)")


@pytest.fixture(scope="module")
def collected() -> Catalog:
    return messages.collect()


@pytest.fixture(params=messages.TRANSLATED, scope="module")
def catalogue(request: pytest.FixtureRequest) -> Catalog:
    return messages.read(request.param)


def test_the_catalogue_holds_exactly_the_messages_of_the_product(
    catalogue: Catalog, collected: Catalog
) -> None:
    assert {m.id for m in catalogue if m.id} == {m.id for m in collected if m.id}, (
        "run `make messages`"
    )
    assert not catalogue.obsolete


def test_every_message_is_translated_by_a_person(catalogue: Catalog) -> None:
    assert [m.id for m in catalogue if m.id and not messages.translated(m)] == []


@pytest.mark.parametrize("code", CAUSES)
def test_an_operator_reads_what_a_cause_means_and_who_must_act(
    catalogue: Catalog, code: str
) -> None:
    said = (CAUSES[code].means, console_words.ACTS[CAUSES[code].acts])
    assert [each for each in said if not _is_translated(catalogue, each)] == []


@pytest.mark.parametrize("name", ACTIONS)
def test_an_operator_reads_what_an_action_is_called_and_does(catalogue: Catalog, name: str) -> None:
    said = console_words.ACTIONS[name]
    assert [each for each in said if not _is_translated(catalogue, each)] == []


def _is_translated(catalogue: Catalog, sentence: str) -> bool:
    return sentence in catalogue and messages.translated(catalogue[sentence])


def test_both_sides_have_the_same_placeholders_and_markup(catalogue: Catalog) -> None:
    for message in catalogue:
        if message.id:
            assert {marks(form) for form in forms(message.string)} <= {
                marks(form) for form in forms(message.id)
            }


def test_every_message_can_be_filled_in(catalogue: Catalog) -> None:
    """A lone per cent sign would fail before a reader's eyes."""
    for message in catalogue:
        for form in (*forms(message.id), *forms(message.string)):
            form % dict.fromkeys(re.findall(r"%\((\w+)\)", form), 1)


def test_french_punctuation_never_starts_a_line() -> None:
    for message in messages.read("fr"):
        for form in forms(message.string) if message.id else ():
            plain = form.replace("Authorization: Bearer", "")
            assert not re.findall(
                r"[^\u00a0\u202f][;!?»](?=\s|$)|[^\u00a0\u202f]:(?=\s|$)|«[^\u00a0\u202f]", plain
            ), form


def test_bringing_catalogues_up_to_date_changes_nothing(
    catalogue: Catalog, tmp_path: Path, monkeypatch: Any
) -> None:
    before = messages.path(str(catalogue.locale)).read_bytes()
    monkeypatch.setattr(messages, "CATALOGUES", tmp_path)
    messages.path(str(catalogue.locale)).parent.mkdir(parents=True)
    messages.write(str(catalogue.locale), messages.update(catalogue))
    assert messages.path(str(catalogue.locale)).read_bytes() == before


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(PRODUCT)))
def test_a_template_has_no_words_of_its_own(path: Path) -> None:
    assert raw_words(path.read_text(), path.suffix) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(PRODUCT)))
def test_a_template_has_no_punctuation_that_french_sets_apart(path: Path) -> None:
    """A colon after what is computed belongs to a sentence of the catalogue, which has its space there."""
    skeleton = "".join(outline(words.environment(PRODUCT, "en").parse(path.read_text())))
    assert not re.findall(rf".*{HOLE}[:;!?](?=\s|$).*", skeleton)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>Hello</p>", ["Hello"]),
        ('<p title="Hello">{{ _("Hi") }}</p>', ["Hello"]),
        ('{{ ui.button("Save and continue") }}', ["Save and continue"]),
        ("{% if x %}<b>{{ x }}</b>{% else %}none at all{% endif %}", ["none at all"]),
        (
            '{% trans %}Hello{% endtrans %}{{ ui.button(_("Save")) }}<code translate="no">SELECT</code>',
            [],
        ),
        ('<p class="a b">{{ x }} – {{ y }}</p>{{ ui.form("/x", hidden={"nonce": n}) }}', []),
    ],
)
def test_the_check_for_words_sees_them(source: str, found: list[str]) -> None:
    assert raw_words(source, ".html") == found


def raw_words(source: str, suffix: str) -> list[str]:
    """What a template would say in the same words to everybody."""
    tree = words.environment(PRODUCT, "en").parse(source)
    skeleton = "".join(outline(tree))
    said = (
        list(visible(skeleton))
        if suffix == ".html"
        else re.sub(r"https?://\S+", "", skeleton).split(HOLE)
    )
    return [text.strip() for text in said if WORD.search(text)] + [
        constant for constant in constants(tree) if SENTENCE.match(constant)
    ]


def outline(node: nodes.Node) -> Iterator[str]:
    """The template's own text in its order, with a hole for everything computed."""
    for child in node.iter_child_nodes():
        if isinstance(child, nodes.TemplateData):
            yield child.data
        else:
            yield HOLE if isinstance(child, nodes.Expr) else ""
            yield from outline(child)


def visible(html: str) -> Iterator[str]:
    """What a person sees or hears; code and text marked translate="no" is not language."""
    soup = BeautifulSoup(html, "html.parser")
    for element in soup.find_all(True):
        yield from (
            str(element[name]).replace(HOLE, " ") for name in READ_ALOUD if element.has_attr(name)
        )
    for text in soup.find_all(string=True):
        silent = text.find_parent(["code", "pre", "svg"]) or text.find_parent(translate="no")
        if (
            isinstance(text, NavigableString)
            and not isinstance(text, (Comment, Doctype))
            and not silent
        ):
            yield text.replace(HOLE, " ")


def constants(node: nodes.Node) -> Iterator[str]:
    """The strings in a template's expressions, but for those that are translated."""
    for child in node.iter_child_nodes():
        if (
            isinstance(child, nodes.Call)
            and isinstance(child.node, nodes.Name)
            and child.node.name in GETTEXT
        ):
            yield from (text for keyword in child.kwargs for text in constants(keyword))
        elif isinstance(child, nodes.Const):
            yield from [child.value] if isinstance(child.value, str) else []
        else:
            yield from constants(child)


def marks(text: str) -> tuple[str, ...]:
    """Placeholders and tags, in any order."""
    return tuple(sorted(re.findall(r"%\(\w+\)[sd]|</?\w+", text)))


def forms(text: Any) -> tuple[str, ...]:
    """The singular and the plurals of a message."""
    return tuple(text) if isinstance(text, (tuple, list)) else (text,)


def test_one_thing_has_one_word_in_french(catalogue: Catalog) -> None:
    """A left word was found beside the right one once."""
    for wrong in (
        "auprès de nous",
        "un lien avec",
        "Bac à sable",
        "relié",
        "délié",
        "Délier",
        " lié",
        "le nouveau soit enregistré",
    ):
        assert [m.id for m in catalogue if wrong in " ".join(forms(m.string))] == [], wrong
