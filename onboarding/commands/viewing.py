"""`views`: lists of onboardings that have a name."""

from collections.abc import Sequence

from onboarding import finding, views, watching
from onboarding.commands import printing
from onboarding.db import reading
from onboarding.watching import Asked


def ls(*, as_json: bool) -> None:
    """Those that everybody needs, the shared ones, and each operator's own."""
    with reading() as session:
        saved = views.saved(session)
        kept = [(name, "", "", wanted) for name, wanted in views.QUICK.items()]
        kept += [
            (view.name, view.owner, str(view.id), view.wanted) for view in saved if view.wanted
        ]
        asked = {str(view_id): them for view_id, them in watching.asked(session).items()}
        counts = finding.counts(session, [wanted for *_, wanted in kept])
    shared = {str(view.id) for view in saved if view.shared}
    lines = [
        {
            "name": name,
            "id": view_id or None,
            "owner": owner or None,
            "shared": not view_id or view_id in shared,
            "options": wanted.options(),
            "count": count,
            "alerts": [
                {"operator": each.name, "above": each.above} for each in asked.get(view_id, [])
            ],
        }
        for (name, owner, view_id, wanted), count in zip(kept, counts, strict=True)
    ]
    rows = [
        (name, owner, _counted(count), _told(asked.get(view_id, [])), f"ls {wanted.options()}")
        for (name, owner, view_id, wanted), count in zip(kept, counts, strict=True)
    ]
    head = ("View", "Of", "Number", "Told above", "The same as")
    printing.listed(lines, head, rows, empty="", as_json=as_json)


def _told(asked: Sequence[Asked]) -> str:
    return ", ".join(f"{each.above} ({each.name})" for each in asked)


def _counted(count: int) -> str:
    return f"{count}+" if count >= finding.COUNTED_AT_MOST else str(count)
