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

_ONE_PERSON = """## When one person asks

Whoever wants to be forgotten is found by the e-mail address that they gave. Look first, then do it; the reason is kept in the trail, so it must not name them, and `-` reads the address from stdin, so that no history of a shell has it:

```sh
onboarding erase --contact ana@shop.example --dry-run
onboarding erase --contact - --reason "DPO-7: she has asked" < address.txt
```

| what | what becomes of it |
|---|---|
| onboardings with this contact that are over: cancelled, expired, done and revoked | they go whole, with their history, links, notes, codes and deliveries, into no file; a letter that could not be sent does not hold them |
| browsers that held one of these, or were signed in to its seller account | they are signed out and forgotten |
| the address in any other column of the table above, such as a note, a reason in a history or an answer | `(erased)` stands in its place; an answer that the API keeps for a week loses names and Seller IDs as well, and is still the answer |
| onboardings that go on, and connections that work | they stay as they are, with the command that ends each: somebody waits for them, and letters go there. End them, and call it again |
| somebody else's onboarding that names them as its developer, and goes on | the same |
| the trail and runs | they stay: nothing can be taken out of the trail unseen. They name onboardings by an ID that leads to nothing any more; where somebody has typed the address into a reason, the command says in how many rows |
| `inbound_events` and `suspended_sellers` | what the marketplace itself has told of a Seller ID stays as long as the table above says |
| files of `onboarding archive`, exports, metrics | they name nobody |
| backups, e-mails, logs of your proxy, other systems | yours to look through: after a backup is put back in place, call it again |

It needs no quiet hour, may be stopped at any time, and goes on with the next call. Other systems that follow the log of events do not hear any more of what they had not read yet. A seller who has never given an address is found by their Seller ID at the console; once their onboarding is over, `onboarding archive --older-than 1` takes it out.

An operator who has left: end their account at your identity provider, then `onboarding operators remove NAME --reason "…"` takes out name, address, account, sessions, and the views that they saved, also those that all see; `onboarding operators ls` shows who is there. What they did stays under an ID that leads to nobody. At a terminal the trail has the name that the system knows (`cli:mara`), which stays.

Why it is so: [decision 67](decisions/0067-one-person-is-erased-by-their-address.md).
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
    return "\n".join(
        [_TOP, *_about_people(), *_the_rest(), _ONE_PERSON, _ELSEWHERE % {"archive": _ARCHIVE}]
    )


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
    units = (
        (period.days, "day"),
        (period.seconds // 3600, "hour"),
        (period.seconds // 60, "minute"),
    )
    number, unit = next(each for each in units if each[0])
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
