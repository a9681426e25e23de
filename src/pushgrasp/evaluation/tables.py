"""table.md: a run's rates laid out as the paper's Table I, the paper's own beside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..sim.scenes.layouts import PROCEDURAL
from .intervals import wilson
from .metrics import BANDS, Cause
from .settings import played_by

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
"""A group, band or comparison of the summary."""


def write_table(summary: dict[str, Any]) -> str:
    """A run's results in Markdown.

    Args:
        summary: as `summary.summarise` gives it.
    """
    settings, groups = summary["settings"], summary["groups"]
    planned = {lot["name"]: lot for lot in settings["groups"]}
    policies = [policy["name"] for policy in settings["policies"]]
    groups = sorted(groups, key=lambda g: list(planned).index(g["name"]))  # policies side by side
    parts = ["# Results", _about(settings)]
    for scene in PROCEDURAL:
        names = {n: lot["objects"] for n, lot in planned.items() if lot["scene"] == scene}
        played = [group for group in groups if group["name"] in names]
        if played:
            parts += [f"## {scene}", _by_objects(scene, played, names, policies)]
    fixed = [group for group in groups if planned[group["name"]]["scene"] not in PROCEDURAL]
    if fixed:
        parts += ["## fixed scenes", _by_scene(fixed, policies)]
    parts += ["## the same scenes, two policies", _compared(summary["comparisons"])]
    parts += ["## why trials were not completed", _causes(groups)]
    parts += ["## completed, by how much of the goal is visible at the start", _bands(groups)]
    parts += ["## trials", _trials(groups)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _about(settings: dict[str, Any]) -> str:
    camera = f"{len(settings['cameras']) or 'one default'} camera"
    noise = f"noise {settings['noise']}" if settings["noise"] else "no noise"
    machine = settings.get("machine") or {}
    return (
        f"Seed {settings['seed']}; robot {settings['robot']}; {camera}, "
        f"{settings['camera_backend']}, {noise}{'; randomised' if settings['randomise'] else ''}; "
        f"pushgrasp {settings.get('program')}, commit {played_by(settings)}; "
        f"{machine.get('processor', 'unknown processor')}, {machine.get('cores', '?')} cores.\n\n"
        "In brackets 95 % intervals: Wilson's for TCR, the bootstrap's over trials for GSR and MN. "
        "GSR and MN are of completed trials."
    )


def _by_objects(
    scene: str, groups: Sequence[Figures], objects: dict[str, int], policies: Sequence[str]
) -> str:
    """A row a policy and three columns a number of objects, as in Table I."""
    counts = sorted({objects[group["name"]] for group in groups})
    header = ["method", "trials"]
    header += [f"{what}, {n}" for n in counts for what in ("TCR %", "GSR %", "MN")]
    rows: list[Row] = []
    for method, figures in PAPER.items() if scene == "random" else ():
        if set(figures) & set(counts):
            known = [figures.get(n) for n in counts]
            cells = [
                text
                for figure in known
                for text in (
                    (f"{figure[0]:.2f}", f"{figure[1]:.2f}", f"{figure[2]:.2f}")
                    if figure
                    else ("", "", "")
                )
            ]
            rows.append((f"*{method}*", "500", *cells))
    for policy in policies:
        mine = {objects[g["name"]]: g for g in groups if g["policy"] == policy}
        if mine:
            cells = [text for n in counts for text in _rates(mine.get(n))]
            rows.append((policy, " / ".join(_count(mine.get(n)) for n in counts), *cells))
    return _markdown(header, rows)


def _by_scene(groups: Sequence[Figures], policies: Sequence[str]) -> str:
    """A row a scene and a column a policy, for each rate; as in Fig. 5."""
    played = [policy for policy in policies if any(g["policy"] == policy for g in groups)]
    names = list(dict.fromkeys(group["name"] for group in groups))
    found = {(group["name"], group["policy"]): group for group in groups}
    tables = []
    for i, rate in enumerate(("TCR %", "GSR %", "MN", "trials")):
        cell: Callable[[Figures | None], str] = (
            _count if rate == "trials" else lambda group, i=i: _rates(group)[i]
        )
        rows = [[n, *(cell(found.get((n, policy))) for policy in played)] for n in names]
        if i == 0 and len(names) > 1:
            together = [_together([g for g in groups if g["policy"] == p]) for p in played]
            rows.append(["all", *together])
        tables.append(_markdown([rate, *played], rows))
    return "\n\n".join(tables)


def _together(groups: Sequence[Figures]) -> str:
    """The completion rate of all trials of some groups."""
    n, completed = (sum(group[key] for group in groups) for key in ("trials", "completed"))
    return _percent(completed / n, wilson(completed, n))


def _compared(comparisons: Sequence[Figures]) -> str:
    rows = [
        (
            c["group"], c["a"], c["b"], str(c["pairs"]), str(c["only_a"]), str(c["only_b"]),
            f"{c['p']:.2g}", str(c["mn_pairs"]), _number(c["mn_difference"], c["mn_ci95"], "+.2f"),
        )
        for c in comparisons
    ]  # fmt: skip
    header = (
        "group", "a", "b", "scenes", "only a completed", "only b completed", "p (McNemar, exact)",
        "both completed", "MN of a less b, there",
    )  # fmt: skip
    return _markdown(header, rows) if rows else "No two policies have met the same scenes."


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
        "group", "policy", "trials", "faults, played again", "wrong claims", "missed claims",
        "s a decision", "s a trial", "robot's s a trial",
    )  # fmt: skip
    rows = [
        (
            g["name"], g["policy"], _count(g), str(g["faults"]), str(g["wrong_claims"]),
            str(g["missed_claims"]), _number(g["decision_s"]), f"{g['trial_s']:.1f}",
            f"{g['robot_s']:.1f}",
        )
        for g in groups
    ]  # fmt: skip
    return _markdown(header, rows)


def _rates(group: Figures | None) -> tuple[str, str, str]:
    """TCR, GSR and MN with their intervals."""
    if group is None:
        return "", "", ""
    return (
        _percent(group["tcr"], group["tcr_ci95"]),
        _percent(group["gsr"], group["gsr_ci95"]),
        _number(group["mn"], group["mn_ci95"]),
    )


def _count(group: Figures | None) -> str:
    """How many trials there are, and how many there shall be if that is another number."""
    if group is None:
        return "–"
    n, wanted = group["trials"], group["wanted"]
    return str(n) if n == wanted else f"{n} of {wanted}"


def _percent(value: float | None, interval: Sequence[float] | None) -> str:
    scaled = None if interval is None else [100 * end for end in interval]
    return _number(None if value is None else 100 * value, scaled, ".1f")


def _number(value: float | None, interval: Sequence[float] | None = None, form: str = ".2f") -> str:
    if value is None:
        return "–"
    ends = f" ({interval[0]:{form}} to {interval[1]:{form}})" if interval else ""
    return f"{value:{form}}{ends}"


def _markdown(header: Row, rows: Iterable[Row]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in lines)
