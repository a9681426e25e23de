"""table.md: a run's rates laid out as the paper's Table I, with the paper's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..sim.scenes.layouts import PROCEDURAL
from .metrics import BANDS, Cause
from .settings import Settings, cameras_in_words, played_by

PAPER: dict[str, dict[int, tuple[float, float, float]]] = {
    "Wang et al. (the paper's figures)": {
        10: (88.99, 46.84, 3.63), 20: (61.63, 46.74, 6.33), 30: (58.35, 47.37, 9.61),
    },
    "the paper, no switching": {
        10: (95.69, 43.00, 3.14), 20: (80.57, 45.73, 5.60), 30: (70.27, 47.92, 7.57),
    },
    "the paper": {
        10: (97.58, 47.36, 2.80), 20: (83.11, 57.19, 5.04), 30: (73.27, 53.36, 5.80),
    },
}  # fmt: skip
"""Table I, random occlusion: TCR in %, GSR in %, MN, by the number of objects."""

Row = Sequence[str]
Figures = dict[str, Any]
"""A group, family, band or comparison of the summary."""


def write_table(summary: dict[str, Any]) -> str:
    """Format a run's results as Markdown.

    Args:
        summary: see `summary.summarise`.
    """
    settings, groups = summary["settings"], summary["groups"]
    planned = {group["name"]: group for group in settings["groups"]}
    policies = [policy["name"] for policy in settings["policies"]]
    groups = sorted(groups, key=lambda g: list(planned).index(g["name"]))  # policies side by side
    parts = ["# Results", _about(settings)]
    for scene in PROCEDURAL:
        names = {n: group["objects"] for n, group in planned.items() if group["scene"] == scene}
        played = [group for group in groups if group["name"] in names]
        if played:
            parts += [f"## {scene}", _by_objects(scene, played, names, policies)]
    fixed = [group for group in groups if planned[group["name"]]["scene"] not in PROCEDURAL]
    families = summary["families"]
    for name in dict.fromkeys(family["name"] for family in families):
        members = [family for family in families if family["name"] == name]
        parts += [f"## {name}", _by_family(members, settings, policies)]
    if fixed:
        parts += ["## fixed scenes", _by_scene(fixed, policies)]
    parts += ["## the same scenes, two policies", _compared(summary["comparisons"])]
    parts += ["## why trials were not completed", _causes(groups)]
    parts += ["## completed, by how much of the goal is visible at the start", _bands(groups)]
    parts += ["## trials", _trials([*groups, *families])]
    return "\n\n".join(part for part in parts if part) + "\n"


def _about(settings: Settings) -> str:
    machine = settings.get("machine") or {}
    return (
        f"Seed {settings['seed']}; robot {settings['robot']}; {cameras_in_words(settings)}; "
        f"{'randomised; ' if settings['randomise'] else ''}"
        f"pushgrasp {settings.get('program')}, commit {played_by(settings)}; "
        f"{machine.get('processor', 'unknown processor')}, {machine.get('cores', '?')} cores.\n\n"
        "In brackets 95 % intervals: Wilson's for TCR, a bootstrap over trials for GSR and MN; "
        "over a family of fixed scenes (all ...) a bootstrap over its scenes for all three, since "
        "the trials of one scene are perturbed copies and not independent. "
        "GSR and MN are computed over completed trials."
    )


def _by_objects(
    scene: str, groups: Sequence[Figures], objects: dict[str, int], policies: Sequence[str]
) -> str:
    """Lay out a row per policy and three columns per number of objects, as in Table I."""
    counts = sorted({objects[group["name"]] for group in groups})
    header = ["method", "trials"]
    header += [f"{what}, {n}" for n in counts for what in ("TCR %", "GSR %", "MN")]
    rows: list[Row] = []
    for method, figures in PAPER.items() if scene == "random" else ():
        if set(figures) & set(counts):
            known = [figures.get(n) for n in counts]
            cells = [f"{x:.2f}" if figure else "" for figure in known for x in figure or (0, 0, 0)]
            rows.append((f"*{method}*", "500", *cells))
    for policy in policies:
        mine = {objects[g["name"]]: g for g in groups if g["policy"] == policy}
        if mine:
            cells = [text for n in counts for text in _rates(mine.get(n))]
            rows.append((policy, " / ".join(_count(mine.get(n)) for n in counts), *cells))
    return _markdown(header, rows)


def _by_family(families: Sequence[Figures], settings: Settings, policies: Sequence[str]) -> str:
    """Lay out a row per policy over all scenes of a family, below figures published by others."""
    name = families[0]["name"].removeprefix("all ")
    rows: list[Row] = []
    for row in settings.get("published", {}).get(name, ()):
        tcr, gsr, mn = ("" if row.get(k) is None else f"{row[k]:.2f}" for k in ("tcr", "gsr", "mn"))
        rows.append((f"*{row['method']}*", "", str(row.get("trials") or ""), tcr, gsr, mn))
    for policy in policies:
        for family in families:
            if family["policy"] == policy:
                rows.append((policy, str(family["scenes"]), _count(family), *_rates(family)))
    return _markdown(("method", "scenes", "trials", "TCR %", "GSR %", "MN"), rows)


def _by_scene(groups: Sequence[Figures], policies: Sequence[str]) -> str:
    """Lay out a row per scene and a column per policy, a table for each rate; as in Fig. 5."""
    played = [policy for policy in policies if any(g["policy"] == policy for g in groups)]
    names = list(dict.fromkeys(group["name"] for group in groups))
    found = {(group["name"], group["policy"]): group for group in groups}
    tables = []
    for i, rate in enumerate(("TCR %", "GSR %", "MN", "trials")):
        cell: Callable[[Figures | None], str] = (
            _count if rate == "trials" else lambda group, i=i: _rates(group)[i]
        )
        rows = [[n, *(cell(found.get((n, policy))) for policy in played)] for n in names]
        tables.append(_markdown([rate, *played], rows))
    return "\n\n".join(tables)


def _compared(comparisons: Sequence[Figures]) -> str:
    if not comparisons:
        return "No two policies have met the same scenes."
    rows = [
        (
            c["group"], c["a"], c["b"], str(c["pairs"]), str(c["only_a"]), str(c["only_b"]),
            _percent(c["tcr_difference"], c["tcr_ci95"], "+.1f"), f"{c['p']:.2g}",
            str(c["mn_pairs"]), _number(c["mn_difference"], c["mn_ci95"], "+.2f"),
            _number(c["mn_all_difference"], c["mn_all_ci95"], "+.2f"),
        )
        for c in comparisons
    ]  # fmt: skip
    header = (
        "group", "a", "b", "pairs", "only a completed", "only b completed", "TCR of a - b, points",
        "p", "both completed", "MN of a - b, both completed", "MN of a - b, all pairs",
    )  # fmt: skip
    return (
        f"{_markdown(header, rows)}\n\nOver all pairs, a trial that was not completed counts as "
        f"its action limit, three per object. {multiplicity(comparisons)}"
    )


def multiplicity(comparisons: Sequence[Figures]) -> str:
    """Say how many tests a table of comparisons makes, and which.

    Args:
        comparisons: of the summary, at least one.
    """
    n = len(comparisons)
    text = "This is one comparison."
    if n > 1:
        text = (
            f"These are {n} comparisons, and no p is corrected for that: if no two policies "
            f"differed, about {0.05 * n:.2g} of them would have p < 0.05. Bonferroni's limit for "
            f"all of them together is p < {0.05 / n:.1g}."
        )
    if any(c["scenes"] is None for c in comparisons):
        text += " In a group, p is of McNemar's exact test over pairs of trials."
    for scenes in sorted({c["scenes"] for c in comparisons if c["scenes"]}):
        text += (
            f" Over the {scenes} scenes of a family (all ...), p is of an exact sign-flip test by "
            f"scene; its least possible value is {2 ** (1 - scenes):.2g}."
        )
    return text


def _causes(groups: Sequence[Figures]) -> str:
    causes = [c for c in Cause if any(c.value in group["causes"] for group in groups)]
    rows = [
        (g["name"], g["policy"], str(g["trials"] - g["completed"]),
         *(str(g["causes"].get(c.value, "")) for c in causes))
        for g in groups
    ]  # fmt: skip
    return _markdown(("group", "policy", "not completed", *(c.label for c in causes)), rows)


def _bands(groups: Sequence[Figures]) -> str:
    rows = []
    for group in groups:
        bands = {band["band"]: band for band in group["bands"]}
        cells = [_band(bands[name]) if name in bands else "" for name in BANDS]
        rows.append((group["name"], group["policy"], *cells))
    return _markdown(("group", "policy", *(f"{band}, TCR %" for band in BANDS)), rows)


def _band(band: Figures) -> str:
    return f"{_percent(band['tcr'], band['tcr_ci95'])} of {band['trials']}"


def _trials(groups: Sequence[Figures]) -> str:
    header = (
        "group", "policy", "trials", "faults while building", "faults while playing",
        "TCR %, these as failures", "MN, failures as the action limit", "wrong claims",
        "missed claims", "s per decision", "s per trial", "robot's s per trial",
    )  # fmt: skip
    rows = [
        (
            g["name"], g["policy"], _count(g), str(g["faults"] - g["play_faults"]),
            str(g["play_faults"]), _percent(g["tcr_faults_failed"], None),
            _number(g["mn_all"], g["mn_all_ci95"]), str(g["wrong_claims"]),
            str(g["missed_claims"]), _number(g["decision_s"]), f"{g['trial_s']:.1f}",
            f"{g['robot_s']:.1f}",
        )
        for g in groups
    ]  # fmt: skip
    return (
        f"{_markdown(header, rows)}\n\nAn attempt that ended in a fault of the simulator was "
        "played again with another seed."
    )


def _rates(group: Figures | None) -> tuple[str, str, str]:
    """Format TCR, GSR and MN with their intervals."""
    if group is None:
        return "", "", ""
    return (
        _percent(group["tcr"], group["tcr_ci95"]),
        _percent(group["gsr"], group["gsr_ci95"]),
        _number(group["mn"], group["mn_ci95"]),
    )


def _count(group: Figures | None) -> str:
    """Format how many trials there are, and how many are planned if that is another number."""
    if group is None:
        return "–"
    n, wanted = group["trials"], group["wanted"]
    return str(n) if n == wanted else f"{n} of {wanted}"


def _percent(value: float | None, interval: Sequence[float] | None, form: str = ".1f") -> str:
    scaled = None if interval is None else [100 * end for end in interval]
    return _number(None if value is None else 100 * value, scaled, form)


def _number(value: float | None, interval: Sequence[float] | None = None, form: str = ".2f") -> str:
    if value is None:
        return "–"
    ends = f" ({interval[0]:{form}} to {interval[1]:{form}})" if interval else ""
    return f"{value:{form}}{ends}"


def _markdown(header: Row, rows: Iterable[Row]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in lines)
