"""Start a rehearsal: a controller in a process of its own, and the station file that leads to it.

The client sees addresses, a camera's folder and a calibration file, as it would of a real cell.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import UserError
from ...interfaces import Intrinsics
from ...perception.camera_file import CameraSpec, write_cameras
from ...sim.cell import Cell
from ...utils.files import write_json
from ...utils.threads import ONE_THREAD
from ..robot import Caps
from ..station import FORMAT, VERSION
from .session import Session

CELLS = {"ur5e": "ur_cell", "panda": "franka_cell", "fr3": "franka_cell"}
CAPS = Caps(speed=0.3, guarded_speed=0.05)


@dataclass
class Rehearsal:
    """A running controller."""

    station: Path  # the file that `connect` is given
    goal_rgb: tuple[int, int, int]  # sRGB
    said: dict[str, Any]  # what the controller said when it was ready
    process: subprocess.Popen[str]

    def tell(self, word: str) -> None:
        """Send a word: a fault to stage, see the cell's file."""
        assert self.process.stdin
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def report(self) -> dict[str, Any]:
        """Ask for the ground truth.

        Raises:
            UserError: the controller has ended.
        """
        assert self.process.stdout
        try:
            self.tell("report")
            return json.loads(self.process.stdout.readline())
        except (OSError, ValueError) as error:
            raise UserError(f"the rehearsal's controller has ended ({error})") from error


@contextmanager
def rehearsal(session: Session, caps: Caps = CAPS) -> Generator[Rehearsal, None, None]:
    """Run a controller with a scene behind it; it ends with the block.

    Args:
        session: the scene; its folder and host are chosen here.
        caps: of the station.
    Raises:
        UserError: the controller cannot start; the message says why.
    """
    with tempfile.TemporaryDirectory(prefix="pushgrasp-rehearsal-") as name:
        folder = Path(name)
        (folder / "pictures").mkdir()
        session = replace(session, pictures=str(folder / "pictures"), host=free_host())
        session.write(folder / "session.json")
        with open(folder / "controller.log", "w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", f"{__package__}.{CELLS[session.robot]}",
                 str(folder / "session.json")],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                env={**os.environ, **ONE_THREAD}, start_new_session=True,
            )  # fmt: skip
        try:
            assert process.stdout
            first = process.stdout.readline()
            if not first:
                raise UserError(f"the rehearsal cannot start: {_why(folder / 'controller.log')}")
            said = json.loads(first)
            station = write_station(folder, session, said, caps)
            r, g, b = said["goal_rgb"]
            yield Rehearsal(station, (r, g, b), said, process)
        finally:
            process.kill()
            process.wait()


def free_host() -> str:
    """Choose a loopback address, so that rehearsals on one computer do not meet."""
    if not sys.platform.startswith("linux"):
        return "127.0.0.1"
    rng = random.SystemRandom()
    return f"127.{rng.randint(1, 254)}.{rng.randint(0, 254)}.{rng.randint(1, 254)}"


def write_station(folder: Path, session: Session, said: dict[str, Any], caps: Caps) -> Path:
    """Write the station and the camera's calibration that lead to a controller.

    Args:
        folder: for both files.
        session, said: what was asked for, and what the controller said when it was ready.
        caps: of the station.
    """
    camera = CameraSpec("front", Intrinsics(**said["intrinsics"]), np.array(said["T_world_camera"]))
    write_cameras(folder / "front.json", [camera])
    home = Cell().home
    if session.robot == "ur5e":
        arm = {"driver": "ur", "address": session.host, "model": "ur5e"}
        jaw = {"driver": "rg2-modbus", "address": f"{session.host}:{said['jaw_port']}"}
    else:
        arm = {"driver": "franka", "address": session.host, "model": session.robot,
               "realtime": False}  # fmt: skip
        jaw = {"driver": "franka-hand"}
    write_json(
        folder / "station.json",
        {
            "format": FORMAT, "version": VERSION, "arm": arm, "jaw": jaw,
            "cameras": [{"driver": "folder", "source": session.pictures,
                         "calibration": "front.json", "name": "front"}],
            "T_world_base": said["T_world_base"],
            "fence": {"low": [-0.80, -0.30, 0.001], "high": [-0.20, 0.55, 0.45]},
            "home": list(home), "home_yaw": said["home_yaw"], "travel_height": 0.25,
            "caps": asdict(caps), "confirm": False,
        },
    )  # fmt: skip
    return folder / "station.json"


def _why(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    last = lines[-1] if lines else "it said nothing"
    return last.rpartition("Error: ")[2]
