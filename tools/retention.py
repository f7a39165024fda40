"""The page about what is kept: `python -m tools.retention > docs/retention.md`."""

import sys
from collections.abc import Iterator
from datetime import timedelta

from onboarding.retention import RETENTION, Kept, Swept

_TOP = """# What is kept, and how long

Made from `onboarding/retention.py`: `python -m tools.retention > docs/retention.md`.

For operators, and for whoever answers for data protection: what the database knows of people, when that goes, and what removes it. A row goes with whatever comes first. Whoever sweeps (`serve`, `worker` or `relay`) looks every ten minutes, takes 1,000 rows of a table at a time, and goes on at once where there are more. The database's clock decides. What another table is named for goes in the same instant.

What you decide yourself is how long an onboarding is kept after its end, and so nearly everything that leads to a person: **nothing of it goes before you say so.** Have `cron` call this every night, with your number of days ([operating.md](operating.md) says what it takes out and what it leaves):

```sh
onboarding archive --older-than 365 --to /srv/archive
```

The other periods are no settings: each is a constant beside the function that removes the rows, and is what that table is good for.
"""

_ELSEWHERE = """## Outside the database

| where | what leads to a person | how long |
|---|---|---|
| the broker | nothing: a message there is its ID | |
| logs | nothing: [logs.md](logs.md) lists every line and field | as long as you keep them |
| e-mails | the address, and what the letter says | your mail server's; without one, files in `ONBOARDING_MAIL_DIR` that nothing removes, for development |
| files of `onboarding archive` | %(archive)s | as long as you keep them |
| exports, metrics | masked, or numbers that name nobody | as long as you keep them |
| what other systems are sent or ask for | nothing in events; to a key of theirs the API says all of their own onboardings | theirs |
| backups of the database | all that it held then | as long as you keep them: what is gone here comes back with an old one |
"""


def markdown() -> str:
    """The whole page."""
    return "\n".join([_TOP, *_about_people(), *_the_rest(), _ELSEWHERE % {"archive": _ARCHIVE}])


def _about_people() -> Iterator[str]:
    yield "## What leads to a person\n"
    yield "| table | what | kept | removed by |"
    yield "|---|---|---|---|"
    for name, kept in RETENTION.items():
        if kept.personal:
            what = "; ".join(f"`{column}`: {said}" for column, said in kept.personal.items())
            yield f"| `{name}` | {what} | {said_of(kept)} | {_by(kept)} |"
    yield ""


def _the_rest() -> Iterator[str]:
    yield "## What does not\n"
    yield "| table | kept | removed by |"
    yield "|---|---|---|"
    for name, kept in RETENTION.items():
        if not kept.personal:
            yield f"| `{name}` | {said_of(kept)} | {_by(kept)} |"
    yield ""


def said_of(kept: Kept) -> str:
    """How long, in words."""
    with_whom = " or ".join(f"`{table}`" for table in kept.goes_with)
    said = [
        _period(kept.swept) if kept.swept else "",
        f"with {with_whom}" if with_whom else "",
        f"until {kept.until}" if kept.until else "",
        f"for good: {kept.for_good}" if kept.for_good else "",
    ]
    return "; ".join(each for each in said if each)


def _period(swept: Swept) -> str:
    said = (
        f"{_words(swept.after)} after `{swept.since}`" if swept.after else f"until `{swept.since}`"
    )
    return f"{said}, of those {swept.which}" if swept.which else said


def _words(period: timedelta) -> str:
    number, unit = (period.days, "day") if period.days else (period.seconds // 3600, "hour")
    return f"{number} {unit}{'s' if number > 1 else ''}"


def _by(kept: Kept) -> str:
    if kept.swept is None:
        return ""
    return (
        f"`{kept.swept.sweep.__module__.removeprefix('onboarding.')}.{kept.swept.sweep.__name__}`"
    )


_ARCHIVE = "nothing that names anybody: facts and history, without addresses, Seller IDs, notes, reasons and what was typed"


if __name__ == "__main__":
    sys.stdout.write(markdown())
