"""What a rehearsal's controller process is told, and what it says when asked.

When ready it prints a line of JSON: the goal's colour and the base's pose. Then it answers each
`report` on stdin with another: the ground truth that scores the rehearsal, which its client never
sees.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...sim.scenes.build import Scene, SceneConfig, build_scene
from ...utils.config_json import from_json
from ...utils.files import read_json, write_json
from .cell_world import CellWorld


@dataclass(frozen=True)
class Session:
    """One scene behind one robot's protocol."""

    robot: str  # ur5e, panda or fr3
    pictures: str  # folder for the camera's pictures
    scene: str = "random"
    n_objects: int = 10
    goal: int | None = None
    seed: int = 0
    noise: str = ""  # of the camera: d405, d405-averaged, or none
    board: bool = False  # the hand holds a calibration board
    host: str = "127.0.0.1"  # a loopback address, all of 127.0.0.0/8 on Linux
    speedup: float = 1.0  # simulated seconds per second
    patience: float = 1.0  # factor on a UR's watchdog, for a computer that is busy otherwise

    @staticmethod
    def read(path: Path) -> Session:
        """Read a session's file."""
        return from_json(Session, read_json(path), str(path))

    def write(self, path: Path) -> None:
        """Write the session for a controller process to read."""
        write_json(path, asdict(self))

    def build(self) -> Scene:
        """Build the scene."""
        return build_scene(
            SceneConfig(self.scene, self.n_objects, self.goal, seed=self.seed, robot=self.robot)
        )


def serve_words(
    scene: Scene,
    world: CellWorld,
    actions: dict[str, Callable[[], None]],
    report: Callable[[], dict[str, Any]],
    **ready: Any,
) -> threading.Event:
    """Listen on stdin in a thread: report, mark, stop, or one of the actions.

    Args:
        scene, world: the cell.
        actions: what other words do, such as a fault to stage.
        report: adds to what `report` answers.
        ready: added to the first line.
    Returns:
        An event that is set by `stop` and when stdin closes, as it does when the parent dies.
    """
    over = threading.Event()

    def listen() -> None:
        for text in sys.stdin:
            word = text.strip()
            if word == "report":
                taken = sorted(world.taken())
                said = {
                    "goal": scene.goal_name,
                    "taken": taken,
                    "success": scene.goal_name in taken,
                    "refused": world.refused,
                    **world.watch.report(),
                    **report(),
                }
                print(json.dumps(said), flush=True)
            elif word == "mark":
                world.watch.mark()
            elif word == "stop":
                break
            elif word in actions:
                actions[word]()
        over.set()

    threading.Thread(target=listen, daemon=True).start()
    k = world.intrinsics
    began = {
        "goal_rgb": list(scene.goal_rgb),
        "T_world_base": world.T_world_base.tolist(),
        "home_yaw": world.robot.state().yaw,
        "T_world_camera": world.T_world_camera.tolist(),
        "intrinsics": asdict(k),
        **ready,
    }
    print(json.dumps(began), flush=True)
    return over
