"""The report's tables: rates as in the paper's Table I, what they cost, policies side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...evaluation.tables import PAPER, multiplicity
from .board import REPORTED, THEIRS, Board, Group, title_of
from .markup import Html, el, join
from .words import NONE, difference, number, numbers, p_value, percent, percents, plural, seconds

METRICS = {"tcr": "TCR, %", "gsr": "GSR, %", "mn": "MN"}


def rates(board: Board) -> Html:
    """Completion, grasp success and actions, for each kind of scenes."""
    parts: list[Html] = []
    for kind, names in board.kinds.items():
        parts.append(el("h3", title_of(kind)))
        if kind in board.dropped:
            parts.append(_by_objects(board, kind, names))
            continue
        if rows := _family_rows(board, kind):
            parts.append(_by_family(rows, kind))
        parts.append(_by_scene(board, kind, names, "tcr"))
        for metric in ("gsr", "mn"):
            title = el("summary", f"{METRICS[metric]} in these scenes")
            parts.append(el("details", title, _by_scene(board, kind, names, metric)))
    return join(*parts) if parts else el("p", "No trial has been played yet.")


def _by_objects(board: Board, kind: str, names: Sequence[str]) -> Html:
    """As the paper's Table I, with its own figures in rows of their own."""
    head = el(
        "thead",
        _row(
            _th("", rowspan=2),
            *(_th(plural(board.objects[name], "object"), "c", colspan=3) for name in names),
            _th("trials", "n", rowspan=2),
        ),
        _row(*(_th(title, "n") for _ in names for title in METRICS.values())),
    )  # fmt: skip
    rows: list[Html] = []
    for policy in dict.fromkeys([*board.playing(names), *(THEIRS if kind == "random" else ())]):
        if policy in board.policies:
            groups = [board.cells.get((policy, name)) for name in names]
            cells = [_rate(group, metric) for group in groups for metric in METRICS]
            rows.append(_row(_rowhead(policy), *cells, _trials(groups)))
        figures = PAPER[THEIRS[policy]] if kind == "random" and policy in THEIRS else {}
        if any(board.objects[name] in figures for name in names):
            cells = [cell for name in names for cell in _reported(figures.get(board.objects[name]))]
            rows.append(_row(_rowhead(REPORTED[policy]), *cells, _td("500", "n"), class_="paper"))
    return _box(el("table", head, el("tbody", *rows)), f"Rates: {title_of(kind)}")


def _by_family(rows: Sequence[Html], kind: str) -> Html:
    """Lay out the rates over all scenes of a kind, its intervals by scene."""
    titles = ("scenes", "trials", *METRICS.values())
    head = el("thead", _row(_th("all scenes"), *(_th(title, "n") for title in titles)))
    return _box(el("table", head, el("tbody", *rows)), f"Rates over all scenes: {title_of(kind)}")


def _family_rows(board: Board, kind: str) -> list[Html]:
    """Make a row per policy, after the rows that others published."""
    rows: list[Html] = []
    for row in board.published.get(kind, ()):
        cells = [
            _td("" if row.get(metric) is None else f"{row[metric]:.2f}", "n") for metric in METRICS
        ]
        trials = _td(str(row.get("trials") or ""), "n")
        rows.append(_row(_rowhead(row["method"]), _td(""), trials, *cells, class_="paper"))
    for policy in board.policies:
        if (family := board.families.get((kind, policy))) is not None:
            cells = [_rate(family, metric) for metric in METRICS]
            scenes = _td(str(family["scenes"]), "n")
            rows.append(_row(_rowhead(policy), scenes, _trials([family]), *cells))
    return rows


def _by_scene(board: Board, kind: str, names: Sequence[str], metric: str) -> Html:
    """A column for each scene."""
    short = [name.removeprefix(f"{kind}-") for name in names]
    titles = [*(_th(name, "n") for name in short), _th("trials", "n")]
    head = el("thead", _row(_th(METRICS[metric]), *titles))
    rows: list[Html] = []
    for policy in board.playing(names):
        groups = [board.cells.get((policy, name)) for name in names]
        rows.append(_row(_rowhead(policy), *(_rate(g, metric) for g in groups), _trials(groups)))
    return _box(el("table", head, el("tbody", *rows)), f"{METRICS[metric]}: {title_of(kind)}")


def _rate(group: Group | None, metric: str) -> Html:
    """A rate over its 95 % interval."""
    if group is None or group[metric] is None:
        return _td(NONE, "n")
    interval = group[f"{metric}_ci95"]
    value = number(group[metric]) if metric == "mn" else percent(group[metric])
    ends = numbers(interval) if metric == "mn" else percents(interval)
    return el("td", el("b", value), el("small", ends), class_="n")


def _reported(figures: tuple[float, float, float] | None) -> list[Html]:
    """What the paper gives for a number of objects; it had 500 trials of each."""
    return [_td(f"{value:.2f}" if figures else "", "n") for value in figures or (0.0,) * 3]


def scene_title(board: Board, kind: str, name: str) -> str:
    """What to call a group: random, 20 objects; challenging-03."""
    if kind not in board.dropped:
        return name
    return f"{title_of(kind)}, {plural(board.objects[name], 'object')}"


def costs(board: Board) -> Html:
    """Faults, claims and times."""
    titles = (
        "faults", "while playing", "TCR, these failed", "wrong claims", "missed claims",
        "decision", "trial", "robot",
    )  # fmt: skip
    head = el("thead", _row(_th("Scenes"), _th("Policy"), *(_th(title, "n") for title in titles)))
    rows = [
        _row(
            _td(scene_title(board, kind, name)), _td(policy, "name"),
            _td(str(group["faults"]), "n"), _td(str(group["play_faults"]), "n"),
            _td(percent(group["tcr_faults_failed"]), "n"),
            _td(str(group["wrong_claims"]), "n"), _td(str(group["missed_claims"]), "n"),
            *(_td(seconds(group[key]), "n") for key in ("decision_s", "trial_s", "robot_s")),
        )
        for kind, names in board.kinds.items()
        for name in names
        for policy in board.playing([name])
        for group in [board.cells[policy, name]]
    ]  # fmt: skip
    return _box(el("table", head, el("tbody", *rows)), "Faults, claims and times")


def comparisons(found: Sequence[dict[str, Any]], board: Board) -> Html:
    """Each two policies in the same scenes, a table for each group."""
    titles = (
        ("A against B", ""), ("pairs", "n"), ("only A", "n"), ("only B", "n"), ("p", "n"),
        ("actions, A − B", "n"), ("95 %", "i"), ("of pairs", "n"),
    )  # fmt: skip
    head = el("thead", _row(*(_th(title, class_) for title, class_ in titles)))
    blocks: list[Html] = []
    for kind, names in board.kinds.items():
        for name in (*names, f"all {kind}"):
            members = [c for c in found if c["group"] == name]
            if not members:
                continue
            title = scene_title(board, kind, name) if name in names else f"{title_of(kind)}, all"
            rows = [_comparison(c) for c in members]
            sure = sum(c["p"] < 0.05 for c in members)
            heading = el(
                "summary", el("span", title, class_="name"),
                el("span", f"{plural(len(members), 'pair')}, {sure} with p < 0.05", class_="mute"),
            )  # fmt: skip
            table = _box(el("table", head, el("tbody", *rows)), f"Pairs of policies in {name}")
            blocks.append(el("details", heading, table, open=not blocks))
    if not blocks:
        return el("p", "No two policies met the same scenes.")
    return join(el("p", multiplicity(found), class_="lead"), *blocks)


def _comparison(c: dict[str, Any]) -> Html:
    return _row(
        _rowhead(f"{c['a']} against {c['b']}"), _td(f"{c['pairs']:,}", "n"),
        _td(str(c["only_a"]), "n"), _td(str(c["only_b"]), "n"),
        _td(p_value(c["p"]), "n strong" if c["p"] < 0.05 else "n"),
        _td(difference(c["mn_difference"]), "n"),
        _td(numbers(c["mn_ci95"], signed=True), "i"), _td(f"{c['mn_pairs']:,}", "n"),
    )  # fmt: skip


def _trials(groups: Sequence[Group | None]) -> Html:
    """How many trials of each group there are, once if all have as many."""
    known = [group for group in groups if group is not None]
    words = [
        f"{g['trials']:,}" if g["trials"] == g["wanted"] else f"{g['trials']:,} of {g['wanted']:,}"
        for g in known
    ]
    if len(set(words)) > 3:
        words = [f"{min(g['trials'] for g in known):,} to {max(g['trials'] for g in known):,}"]
    return _td(" / ".join(dict.fromkeys(words) if len(set(words)) == 1 else words), "n")


def _box(table: Html, label: str) -> Html:
    """A table that scrolls within its box, with the keyboard too."""
    return el("div", table, class_="scroll", tabindex=0, role="region", aria_label=label)


def _row(*cells: Html, class_: str | None = None) -> Html:
    return el("tr", *cells, class_=class_)


def _rowhead(text: str) -> Html:
    return el("th", text, scope="row", class_="name")


def _td(text: str, class_: str | None = None) -> Html:
    return el("td", text, class_=class_)


def _th(text: str, class_: str = "", **attributes: object) -> Html:
    return el("th", text, scope="col", class_=class_ or None, **attributes)
