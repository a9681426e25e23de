"""Episodes through a robot's protocol with a random fault at a random moment.

Each run starts a rehearsed cell (see `pushgrasp rehearse`) and, as on hardware, `pushgrasp retrieve
--station` in a process of its own. At a random moment something fails: the controller, the jaw, or
the client. Afterwards the cell's ground truth says whether the arm left its fence, exceeded a cap,
opened a jaw that held something, or still moved.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tyro

from pushgrasp.errors import UserError
from pushgrasp.hardware.rehearsal.launch import CAPS, Rehearsal, rehearsal
from pushgrasp.hardware.rehearsal.session import Session
from pushgrasp.hardware.station import read_station
from pushgrasp.perception.colors import format_color
from pushgrasp.utils.provenance import commit as commit_now

SIGNALS = {
    "SIGINT": signal.SIGINT,
    "SIGTERM": signal.SIGTERM,
    "SIGINT twice": signal.SIGINT,
    "kill -9": signal.SIGKILL,
}
WORDS = {
    "ur5e": ("protective", "freeze", "die", "jaw"),
    "fr3": ("reflex", "button", "freeze", "die"),
}
SILENT = ("freeze", "die")  # the cell's report is of no use then
ENDS_WITHIN = 8.0  # s of a client after a fault: a silent jaw or controller is known in 1 to 2
DONE = "done"  # a client whose episode was over before the fault
SLACK = 1.5  # of the arm over what it was asked for: simulated drives overshoot, soft ones most
MARGIN = 0.005  # m outside the fence that a drive's own error may take


@dataclass
class Config:
    """Runs, and where to write them."""

    robot: Literal["ur5e", "fr3"] = "ur5e"
    """Whose protocol."""
    strikes: int = 100
    """Number of runs in which the fault strikes a living client; runs that were over are extra."""
    seed: int = 0
    """Of faults, moments and scenes."""
    only: tuple[int, ...] = ()
    """Do these runs again, and no others; nothing is written."""
    out: Path = Path("hardware-faults.jsonl")
    """One line for each run; runs that are there are not done again."""
    speedup: float = 2.0
    """Simulated seconds per second."""


def main(config: Config) -> None:
    """Do the runs and print what went wrong, if anything did."""
    if config.only:
        for number in config.only:
            result = run_one(config, number)
            print(
                number, result["fault"], f"at {result['at']:.1f} s", result["phase"],
                result["wrong"] or "ok", f"{result['speed_after'] or 0:.2f} m/s after it",
                flush=True,
            )  # fmt: skip
        return
    done = [json.loads(line) for line in config.out.read_text().splitlines()] if (
        config.out.exists()
    ) else []  # fmt: skip
    commit = commit_now()
    while sum(r["phase"] != DONE for r in done) < config.strikes:
        result = run_one(config, len(done)) | {"commit": commit}
        with config.out.open("a") as file:
            file.write(json.dumps(result) + "\n")
        done.append(result)
        print(
            result["seed"], result["fault"], f"at {result['at']:.1f} s", result["phase"],
            result["wrong"] or "ok", flush=True,
        )  # fmt: skip
    summarise([r for r in done if r["phase"] != DONE], len(done))


def summarise(done: list[dict[str, Any]], runs: int) -> None:
    """Print what the strikes on a living client did."""
    kinds = Counter(r["fault"] for r in done)
    wrong = [r for r in done if r["wrong"]]
    during = Counter(r["phase"] for r in done)
    print(
        f"{runs} runs, {len(done)} strikes on a living client: {dict(kinds)}; it was {dict(during)}"
    )
    print(f"commits: {sorted({r['commit'] for r in done})}")
    after = [r["speed_after"] for r in done if r["speed_after"] is not None]
    if after:
        fast = sum(v > CAPS.speed * SLACK for v in after)
        print(
            f"speed after the fault: {np.median(after):.2f} m/s (median), {max(after):.2f} (most), "
            f"{fast} of {len(after)} over {CAPS.speed * SLACK:.2f} m/s"
        )
    ends = sorted(r["ended_after"] for r in done if r["ended_after"] is not None)
    if ends:
        middle, last = ends[len(ends) // 2], ends[-1]
        print(f"clients ended {middle:.1f} s (median), {last:.1f} s (longest) after the fault")
    print(f"{len(wrong)} runs in which something went wrong")
    for r in wrong:
        print(f"  seed {r['seed']}, {r['fault']} at {r['at']:.1f} s: {'; '.join(r['wrong'])}")


def run_one(config: Config, number: int) -> dict[str, Any]:
    """Do one run; returns its line."""
    rng = random.Random(f"{config.seed} {config.robot} {number}")
    fault = rng.choice((*SIGNALS, *WORDS[config.robot]))
    at = rng.uniform(0.0, 14.0)
    session = Session(config.robot, "", n_objects=3, seed=number % 20, speedup=config.speedup)
    with rehearsal(session) as cell, tempfile.TemporaryDirectory() as folder:
        client = subprocess.Popen(
            [sys.executable, "-m", "pushgrasp", "retrieve", "--station", str(cell.station),
             "--goal", format_color(cell.goal_rgb), "--policy", "geometric", "--no-confirm",
             "--out", str(Path(folder) / "out")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ,
            start_new_session=True,
        )  # fmt: skip
        phase = wait_for_motion(cell, client, at)
        fastest = cell.report()["fastest"]
        cell.tell("mark")
        strike(cell, client, fault)
        struck = time.monotonic()
        try:
            _, said = client.communicate(timeout=ENDS_WITHIN)
            ended: float | None = time.monotonic() - struck
        except subprocess.TimeoutExpired:
            client.kill()
            _, said = client.communicate()
            ended = None
        result = {
            "seed": number, "fault": fault, "at": at, "phase": phase, "ended_after": ended,
            "fastest": fastest, "speed_after": None, "code": client.returncode,
            "said": said.strip()[-300:],
        }  # fmt: skip
        return result | {"wrong": judge(cell, config, result)}


def wait_for_motion(cell: Rehearsal, client: subprocess.Popen[str], at: float) -> str:
    """Wait until the arm first moves and then a while; returns what the client was doing."""
    begun = time.monotonic()
    while time.monotonic() - begun < 30 and client.poll() is None:
        if cell.report()["moving"]:
            break
        time.sleep(0.1)
    end = time.monotonic() + at
    while time.monotonic() < end and client.poll() is None:
        time.sleep(0.02)
    if client.poll() is not None:
        return DONE
    said = cell.report()
    return ("moving" if said["moving"] else "at rest") + (", holding" if said["holding"] else "")


def strike(cell: Rehearsal, client: subprocess.Popen[str], fault: str) -> None:
    """Let something fail."""
    if fault not in SIGNALS:
        cell.tell(fault)
        return
    if client.poll() is None:
        os.kill(client.pid, SIGNALS[fault])
        if fault == "SIGINT twice":
            time.sleep(0.05)
            if client.poll() is None:
                os.kill(client.pid, signal.SIGINT)


def wait_simulated(cell: Rehearsal, seconds: float) -> dict[str, Any]:
    """Let simulated seconds pass in the cell, however slow it is; returns its report."""
    said = cell.report()
    end, patience = said["time"] + seconds, time.monotonic() + 15
    while said["time"] < end and time.monotonic() < patience:
        time.sleep(0.05)
        said = cell.report()
    return said


def judge(cell: Rehearsal, config: Config, result: dict[str, Any]) -> list[str]:
    """Say what went wrong in a run."""
    fault, wrong = result["fault"], []
    if result["ended_after"] is None:
        wrong.append(f"the client still ran {ENDS_WITHIN:.0f} s after it")
    if "Traceback" in result["said"]:
        wrong.append("the client ended with a traceback")
    # A signal while the interpreter ends, after its last motion, ends it in the usual way.
    expected = {0, 1} if fault not in SIGNALS else {0, 130, -9, -signal.SIGINT, -signal.SIGTERM}
    if result["ended_after"] is not None and result["code"] not in expected:
        wrong.append(f"the client's exit code was {result['code']}")
    if fault in SILENT:
        return wrong
    try:
        first = wait_simulated(cell, 0.5)
        said = wait_simulated(cell, 0.5)
    except UserError as error:
        return [*wrong, str(error)]
    fence = read_station(cell.station).fence
    if any(v < low - MARGIN for v, low in zip(said["low"], fence.low, strict=True)) or any(
        v > high + MARGIN for v, high in zip(said["high"], fence.high, strict=True)
    ):
        wrong.append(f"the arm left its fence: {said['low']} to {said['high']}")
    if said["asked"] > CAPS.speed * 1.02:
        wrong.append(f"the client asked for {said['asked']:.3f} m/s")
    if said["fastest"] > CAPS.speed * SLACK:
        wrong.append(f"the arm moved at {said['fastest']:.2f} m/s")
    if said["opened_holding"]:
        wrong.append("the jaw opened with something in it")
    if said["moved_at"] > first["time"]:
        wrong.append("the arm still moved")
    result["worst_felt"], result["speed_after"] = said["worst_felt"], said["fastest_since"]
    return wrong


if __name__ == "__main__":
    main(tyro.cli(Config))
