"""The model card that goes with a trained policy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..utils.files import write_atomic
from ..utils.provenance import commit
from .metrics import read_metrics
from .run import Run

ROWS = 12
"""Points of the curve in the card."""


def write_card(run: Run, folder: Path) -> None:
    """Write README.md beside a policy: how it was made, and its learning curve.

    Raises:
        UserError: it cannot be written.
    """
    recipe = run.recipe
    facts = {
        "Recipe": recipe.name,
        "Network": f"{recipe.network.name}, {_weights(run)} weights",
        "Seed": run.seed,
        "Actions": ", ".join(
            f"{n} {stage.name}" for stage, n in zip(recipe.stages, run.samples, strict=True)
        ),
        "Gradient steps": ", ".join(f"{n} {name}" for name, n in run.updates.items()),
        "Wall time": f"{run.elapsed_s / 60:.0f} min",
        "Q_g*": f"{run.grasp_threshold:.2f}",
        "Scenes given up by the simulator": run.faults,
        "Commit": commit() or "unknown",
    }
    lines = [
        f"# {folder.parent.name}",
        "",
        f"A pushgrasp policy: {_parts(run)} a goal out of clutter. Trained in simulation by",
        "`pushgrasp train`; load it with `Policy.from_pretrained`.",
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in facts.items()),
        "",
        "## Learning curve",
        "",
        "Success of the network's own (not random) actions, over the last 300 of them: for",
        "grasps the goal in hand, for pushes a Q_g raised by more than 0.1.",
        "",
        "| stage | actions | minutes | success | loss |",
        "|---|---:|---:|---:|---:|",
        *(_row(line) for line in _curve(read_metrics(run.directory))),
        "",
    ]
    write_atomic(folder / "README.md", "\n".join(lines))


def _curve(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """About ROWS lines, evenly spread, the last of each stage among them."""
    step = max(1, len(lines) // ROWS)
    last = {
        (line["stage"], line["samples"] - line["stage_samples"]): i for i, line in enumerate(lines)
    }
    return [line for i, line in enumerate(lines) if i % step == 0 or i in last.values()]


def _row(line: dict[str, Any]) -> str:
    success, loss = line["success_greedy"], line["loss"]
    return (
        f"| {line['stage']} | {line['stage_samples']} | {line['wall_s'] / 60:.0f} | "
        f"{'' if success is None else f'{success:.0%}'} | {'' if loss is None else f'{loss:.3f}'} |"
    )


def _parts(run: Run) -> str:
    trained = [name for name, n in run.updates.items() if n]
    if len(trained) == len(run.updates):
        return "two Q-networks that push and grasp"
    return f"a Q-network to {trained[0]}" if trained else "untrained Q-networks to push and grasp"


def _weights(run: Run) -> str:
    n = sum(p.numel() for network in run.networks.values() for p in network.parameters())
    return f"{n / 1e6:.2f} M"
