"""A letter has a text and a page, and what stands between them may stand in either."""

from dataclasses import replace
from pathlib import Path

from onboarding import mail
from onboarding.settings import Settings
from tests.composing import hand_over
from tests.test_mail import LETTER


def test_what_parts_a_letter_may_stand_in_it(tmp_path: Path) -> None:
    chosen = Settings(mail_dir=tmp_path)
    between = mail.as_message(LETTER, chosen).get_boundary()
    told = f"Before.\n--{between}\nAfter.\n--{between}--\n"
    hand_over(replace(LETTER, text=told, html=f"<pre>{told}</pre>\n"), chosen)
    [read] = mail.stored(chosen)
    assert (read.text, read.html) == (told, f"<pre>{told}</pre>\n")
