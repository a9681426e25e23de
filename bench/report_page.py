"""How large a report's page is, and how soon it is there: made-up trials with pictures.

The trials are those of the tests: 1 to 9 steps each, with strips of two to three KB a step, as real
ones have. Each opening is in a fresh profile of a headless Chromium, with the file in memory.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import common
import tyro
from browser import headless

from pushgrasp.view.report import read_results, report_page

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from made_results import write_results  # pyright: ignore[reportMissingImports]

SCENES = {
    **{f"random-{n}": ("random", n) for n in (10, 20, 30)},
    **{f"challenging-{i:02d}": (f"challenging-{i:02d}", 10) for i in range(1, 3)},
}
POLICIES = ("default", "paper")
MARKS = """() => {
  const page = performance.getEntriesByType("navigation")[0];
  return {
    "list shown": performance.getEntriesByName("listed")[0].startTime,
    "first paint": performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN,
    "DOMContentLoaded": page.domContentLoadedEventEnd,
    "load": page.loadEventEnd,
  };
}"""


def main(trials: int = 1000, repeats: int = 5, out: Path | None = None) -> None:
    """Make pages and open them.

    Args:
        trials: about how many, of two policies in five groups of scenes.
        repeats: openings of each page.
        out: file for the JSON.
    """
    rows, found = [], {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        each = max(1, round(trials / (len(SCENES) * len(POLICIES))))
        records = write_results(folder, SCENES, policies=POLICIES, trials=each, pictures=True)
        strips = sum(path.stat().st_size for path in folder.rglob("*.webp"))
        steps = sum(len(record.steps) for record in records)
        for name, pictures in (("with pictures", True), ("without", False)):
            start = time.perf_counter()
            page = report_page(read_results([folder]), pictures=pictures)
            path = folder / "report.html"
            path.write_text(page, encoding="utf-8")
            one = {"written_s": time.perf_counter() - start, "MB": path.stat().st_size / 1e6}
            one |= {f"{mark}, ms": ms for mark, ms in open_page(path, repeats).items()}
            found[name] = one
            rows.append([name, len(records), *(f"{value:.3g}" for value in one.values())])
    result: dict[str, Any] = {
        "setting": common.setting(),
        "trials": len(records),
        "steps": steps,
        "bytes_of_a_step": strips / steps,
        "pages": found,
    }
    common.save(result, out)
    common.show(result, ["page", "trials", *found["without"]], rows)


def open_page(path: Path, repeats: int) -> dict[str, float]:
    """Medians of what a browser says of its own loading, in ms."""
    times: list[dict[str, float]] = []
    with headless() as browser:
        for _ in range(repeats):
            context = browser.new_context(offline=True)
            page = context.new_page()
            page.goto(path.as_uri())
            page.wait_for_function("performance.getEntriesByType('navigation')[0].loadEventEnd > 0")
            times.append(page.evaluate(MARKS))
            context.close()
    return {mark: statistics.median(one[mark] for one in times) for mark in times[0]}


if __name__ == "__main__":
    tyro.cli(main)
