"""The results as scripts read them: `benchmarks/results/*.json`, one file a run. Their names are public."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.journeys.figures import Run, Turn

FOLDER: Final = Path("benchmarks/results")


def write(turns: Sequence[Turn], machine: str, folder: Path = FOLDER) -> Path:
    """The file of these turns, named by the time in UTC."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"journeys-{datetime.now(UTC):%Y%m%dT%H%M%S}.json"
    journeys = [of_system([turn[name] for turn in turns]) for name in turns[0]]
    path.write_text(json.dumps({"machine": machine, "journeys": journeys}, indent=1) + "\n")
    return path


def of_system(runs: Sequence[Run]) -> dict[str, Any]:
    """The medians of all turns; milliseconds, and thousands of bytes. None is what it does not have."""
    return {
        "system": runs[0]["system"],
        "clients": runs[0]["clients"],
        "journeys_per_s": _median([run["per_s"] for run in runs]),
        "cpu_ms_per_journey": _median([run["cpu_ms"] for run in runs]),
        "ack_ms": _quantiles([run["ack"] for run in runs]),
        "effect_ms": _quantiles([run["back"] for run in runs]),
        "rows_per_journey": _median([run.get("rows") for run in runs]),
        "wal_kb_per_journey": _median([run.get("wal_kB") for run in runs]),
    }


def _quantiles(of_runs: Sequence[list[float] | None]) -> dict[str, float | None]:
    halves, tails = ([run[at] if run else None for run in of_runs] for at in (0, 1))
    return {"p50": _median(halves), "p99": _median(tails)}


def _median(numbers: Sequence[float | None]) -> float | None:
    there = [number for number in numbers if number is not None]
    return round(median(there), 3) if there else None
