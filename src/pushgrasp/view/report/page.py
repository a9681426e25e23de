"""One self-contained page: the template with tables, plots, trials, style and scripts put in.

The page's Content-Security-Policy allows nothing from any network and no script and no style
but those whose hashes it names, so nothing that a results folder says can run.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from importlib.resources import files

from ...utils.files import to_json
from . import about, plots, tables
from .board import Board, arrange
from .data import Results, read_strip
from .markup import Html, el, join
from .trials import listing
from .words import plural

SCRIPTS = ("steps.js", "list.js", "page.js")  # in the order in which they build on each other


def report_page(results: Results, *, pictures: bool = True) -> str:
    """A report as the text of an HTML file.

    Args:
        results: what to report.
        pictures: put in the strips that exist; small drawings take the place of others.
    """
    board = arrange(results.summary)
    style = _asset("page.css")
    scripts = [_asset(name) for name in SCRIPTS]
    fills = {
        "policy": _policy([style], scripts),
        "title": _title(results),
        "style": f"<style>{style}</style>",
        "head": _head(results, board),
        "damaged": _damaged(results),
        "rates": tables.rates(board),
        "costs": tables.costs(board),
        "plots": _plots(board),
        "comparisons": tables.comparisons(results.summary["comparisons"], board),
        "runs": about.runs(results),
        "trials": _data("trials", listing(results, board)),
        "scripts": "".join(f"<script>{script}</script>" for script in scripts),
        # Last, so that a browser shows all else before it has read them.
        "strips": "".join(_strips(results)) if pictures else "",
    }
    parts = re.split(r"<!--(\w+)-->", _asset("page.html"))
    return "".join(fills[part] if i % 2 else part for i, part in enumerate(parts))


def _strips(results: Results) -> Iterator[str]:
    """Each strip in an element of its own, which a browser leaves alone until it is asked for."""
    for i, (record, folder) in enumerate(zip(results.records, results.folders, strict=True)):
        strip = read_strip(folder, record)
        if strip is not None:
            code = Html(base64.b64encode(strip.data).decode())
            yield el(
                "script", code, type="text/plain", id=f"strip-{i}",
                data_columns=strip.columns, data_rows=strip.rows,
            )  # fmt: skip


def _policy(styles: list[str], scripts: list[str]) -> Html:
    rules = [
        "default-src 'none'", "base-uri 'none'", "form-action 'none'", "img-src data:",
        "script-src " + " ".join(map(_hash, scripts)), "style-src " + " ".join(map(_hash, styles)),
        "require-trusted-types-for 'script'",
    ]  # fmt: skip
    content = Html("; ".join(rules))
    return Html(f'<meta http-equiv="Content-Security-Policy" content="{content}">')


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _title(results: Results) -> Html:
    names = ", ".join(run.folder.resolve().name for run in results.runs)
    return el("title", f"{names} · pushgrasp report")


def _head(results: Results, board: Board) -> Html:
    totals = results.summary["totals"]
    tiles = (
        ("trials", totals["trials"]), ("policies", len(board.policies)),
        ("groups of scenes", sum(map(len, board.kinds.values()))),
        ("simulator faults", totals["faults"]), ("wrong claims", totals["wrong_claims"]),
        ("missed claims", totals["missed_claims"]),
    )  # fmt: skip
    items = [el("div", el("dt", name), el("dd", f"{n:,}")) for name, n in tiles]
    names = " and ".join(run.folder.resolve().name for run in results.runs)
    origins = [about.origin(run) for run in results.runs]
    lines = [el("p", text, class_="mute") for text in dict.fromkeys(origins)]
    return join(el("h1", names), *lines, el("dl", *items, class_="tiles"))


def _plots(board: Board) -> Html:
    if not board.cells:
        return el("p", "No trial has been played yet.")
    parts = [plots.key(board)]
    if board.dropped:
        parts.append(plots.against_objects(board))
    parts.append(plots.against_scenes(board))
    if board.dropped:
        why = "A goal that hardly shows has to be uncovered first. No point: no such trial."
        parts += [el("h3", "TCR by visible fraction of the goal at the start")]
        parts += [el("p", why, class_="mute"), plots.against_bands(board)]
    parts += [el("h3", "Why trials were not completed"), plots.failures(board)]
    return join(*parts)


def _damaged(results: Results) -> Html:
    if not results.damaged:
        return Html("")
    said = f"{plural(len(results.damaged), 'line')} of the files could not be used"
    items = [el("li", sentence) for sentence in results.damaged]
    return el("details", el("summary", said), el("ul", *items), class_="warning")


def _data(id_: str, value: object) -> Html:
    """A value for the scripts; no text in it can end the element."""
    text = to_json(value).replace("<", "\\u003c").replace("\u2028", "\\u2028")
    return el("script", Html(text), type="application/json", id=id_)


def _asset(name: str) -> str:
    return files("pushgrasp.view.report").joinpath(name).read_text(encoding="utf-8")
