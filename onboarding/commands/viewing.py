"""`views`: lists of onboardings that have a name."""

from onboarding import finding, views
from onboarding.commands import printing
from onboarding.db import reading


def ls(*, as_json: bool) -> None:
    """Those that everybody needs, the shared ones, and each operator's own."""
    with reading() as session:
        saved = views.saved(session)
        kept = [(name, "", "", wanted) for name, wanted in views.QUICK.items()]
        kept += [
            (view.name, view.owner, str(view.id), view.wanted) for view in saved if view.wanted
        ]
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
        }
        for (name, owner, view_id, wanted), count in zip(kept, counts, strict=True)
    ]
    rows = [
        (name, owner, _counted(count), f"ls {wanted.options()}")
        for (name, owner, _, wanted), count in zip(kept, counts, strict=True)
    ]
    head = ("View", "Of", "Number", "The same as")
    printing.listed(lines, head, rows, empty="", as_json=as_json)


def _counted(count: int) -> str:
    return f"{count}+" if count >= finding.COUNTED_AT_MOST else str(count)
