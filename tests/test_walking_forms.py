"""Forms as a browser without JavaScript fills them in."""

from onboarding.walking_forms import Form, forms, leads_to

PAGE = """
<form action="/search"><input name="q"></form>
<form method="POST" action="../link">
  <input type="hidden" name="sequence" value="7"><input name="note" value="as it was">
  <input type="radio" name="shop" value="1"><input type="radio" name="shop" value="2" checked>
  <input type="checkbox" name="news" value="yes"><input type="file" name="attachment">
  <input value="nameless"><button name="action" value="go">Go</button>
  <button name="action" value="cancel">Cancel</button>
</form>
<input type="hidden" name="stray" value="1">
"""


def test_a_form_is_what_stands_between_its_tags() -> None:
    search, link = forms(PAGE)
    assert search == Form("/search", "get", {"q": ""})
    assert (link.action, link.method) == ("../link", "post")
    assert link.choices == {"shop": ["1", "2"], "news": ["yes"]}


def test_it_sends_what_is_filled_in_chosen_and_pressed() -> None:
    link = forms(PAGE)[1]
    kept = {"sequence": "7", "note": "as it was", "action": "go"}
    assert link.filled() == kept | {"shop": "2"}
    assert link.filled(shop="1", action="cancel") == kept | {"shop": "1", "action": "cancel"}


def test_a_form_that_is_not_closed_is_still_one() -> None:
    assert forms('<form action="/a" method="post"><input name="b" value="&amp;">') == [
        Form("/a", "post", {"b": "&"})
    ]


def test_a_page_may_lead_on_by_itself() -> None:
    assert leads_to(PAGE) is None
    assert leads_to('<meta http-equiv="refresh" content="0;url=/a?b=1&amp;c=2">') == "/a?b=1&c=2"
