"""`pushgrasp rehearse`: a robot's own protocol with the simulator behind it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from .options import Device, Folder, PolicyName, SceneName

if TYPE_CHECKING:
    from ..hardware.robot import StationRobot

PATIENCE = 50.0  # factor on clocks that watch for silence: this computer plays the robot as well


@dataclass(frozen=True, kw_only=True)
class RehearseCommand:
    """Run an episode through a real robot's protocol, with the simulated cell behind it.

    A controller that speaks the robot's protocol runs in a separate process. This one checks it
    and retrieves the goal with the same drivers, makers' client libraries, fence and loop as
    `pushgrasp retrieve --station` on hardware. Finally it prints the simulator's ground truth.

    Examples:
      pushgrasp rehearse ur5e --objects 5 --seed 1 --out rehearsal
      pushgrasp rehearse franka --scene challenging-01 --noise d405-averaged --out rehearsal
    """

    robot: tyro.conf.Positional[
        Annotated[Literal["franka", "fr3", "panda", "ur5e"], tyro.conf.arg(metavar="ROBOT")]
    ]
    """ur5e (with an RG2), fr3 or panda (with the Franka Hand); franka is fr3."""
    out: Folder
    """Folder for pictures and episode.json; an earlier episode's is replaced."""
    scene: SceneName = "random"
    """random, heap, random-novel, challenging-01 to -10, novel-01 to -06, or a scene file."""
    objects: int = 10
    """Number of objects (procedural scenes only)."""
    seed: int = 0
    """Seed of everything random."""
    noise: Literal["none", "d405", "d405-averaged"] = "none"
    """Of the camera: none, one image of a RealSense D405, or sixteen averaged."""
    policy: PolicyName = "default"
    """Built-in name, folder of a policy or training run, or a class in a file of yours."""
    device: Device = "auto"
    """Where networks run."""
    max_actions: int = 30
    """The most actions."""
    speedup: float = 1.0
    """Simulated seconds per second; the controller is slower where the computer is."""

    def run(self) -> int:
        """Run the command; returns the exit code."""
        from rich.console import Console

        from ..hardware.connect import jaw_geometry
        from ..hardware.extras import need
        from ..hardware.rehearsal.launch import rehearsal
        from ..hardware.rehearsal.measure import MeasuredArm
        from ..hardware.rehearsal.session import Session
        from ..hardware.station import read_station
        from ..policy.load import PolicySource
        from .check import run_checks
        from .station_episode import StationEpisode, episode_folder

        robot = "fr3" if self.robot == "franka" else self.robot
        for module, extra in NEEDED["ur5e" if robot == "ur5e" else "franka"]:
            need(module, extra)
        source = PolicySource.resolve(self.policy)
        session = Session(
            robot, "", self.scene, self.objects, seed=self.seed, speedup=self.speedup,
            noise="" if self.noise == "none" else self.noise, patience=PATIENCE,
        )  # fmt: skip
        folder = episode_folder(self.out)
        console = Console(highlight=False, markup=False, soft_wrap=True)
        with rehearsal(session) as running, patient_clients():
            station = read_station(running.station)
            if run_checks(station):
                return 1
            policy = source.load(jaw_geometry(station.jaw), device=self.device)
            arms: list[MeasuredArm] = []

            def measure(there: StationRobot) -> None:
                arms.append(MeasuredArm(there.arm, running))
                there.arm = arms[0]

            episode = StationEpisode(
                station, running.goal_rgb, policy, policy_name=self.policy, folder=folder,
                confirm=False, max_actions=self.max_actions, console=console, on_connect=measure,
            )  # fmt: skip
            last = episode.run()
            truth = running.report()
        overshoot = max((stop.overshoot for stop in arms[0].stops), default=0.0)
        truth |= {"stops": [asdict(stop) for stop in arms[0].stops], "worst_overshoot": overshoot}
        episode.add({"truth": truth})
        believed = "believes it has" if last.claimed_success else "does not have"
        held = "has taken" if truth["success"] else "has not taken"
        console.print(
            f"The robot {believed} the goal; by the ground truth it {held} it. Worst force "
            f"{truth['worst_felt']:.0f} N, {overshoot:.0f} N past a guard at most "
            f"({len(arms[0].stops)} stops), fastest {truth['fastest']:.2f} m/s. Record: {self.out}"
        )
        return 0


@contextmanager
def patient_clients() -> Generator[None, None, None]:
    """Let drivers wait for a simulated robot that is slower than the clock."""
    from ..hardware import rg2, ur

    kept = ur.STALE, ur.HUNG, ur.REPLY, ur.START, rg2.TIMEOUT
    ur.STALE, ur.HUNG, ur.REPLY, ur.START, rg2.TIMEOUT = 5.0, 5.0, 10.0, 10.0, 60.0
    try:
        yield
    finally:
        ur.STALE, ur.HUNG, ur.REPLY, ur.START, rg2.TIMEOUT = kept


NEEDED = {
    "ur5e": (("rtde_control", "ur"), ("pymodbus", "rg2")),
    "franka": (("franky", "franka"), ("franky_sim", "rehearsal")),
}
"""Modules and the extras that bring them."""
