"""Calibration through a robot's protocol, and an episode with what it found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commands import run
from scipy.spatial.transform import Rotation

from pushgrasp.cli.rehearse import patient_clients
from pushgrasp.hardware.rehearsal.launch import rehearsal
from pushgrasp.hardware.rehearsal.session import Session
from pushgrasp.perception.camera_file import read_cameras, write_cameras
from pushgrasp.perception.colors import format_color

pytestmark = pytest.mark.long


@pytest.mark.parametrize(
    ("robot", "module", "extra"),
    [("fr3", "franky_sim", "rehearsal"), ("ur5e", "rtde_control", "ur")],
)
def test_a_camera_5_cm_off_is_calibrated_through_the_protocol_and_the_goal_retrieved(
    robot: str, module: str, extra: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip(module, reason=f"{module} is not installed: pip install '.[{extra}]'")
    session = Session(robot, "", n_objects=3, seed=1, board=True, patience=50.0)
    with rehearsal(session) as cell, patient_clients():
        truth = np.array(cell.said["T_world_camera"])
        file = Path(cell.station).with_name("front.json")
        (spec,) = read_cameras(file)
        off = truth.copy()
        off[:3, :3] = Rotation.from_rotvec([0.06, -0.06, 0.02]).as_matrix() @ off[:3, :3]
        off[:3, 3] += (0.03, 0.03, -0.03)
        write_cameras(file, [replace(spec, T_world_camera=off)])
        assert run(capsys, "check", str(cell.station))[0] == 1
        start = ("--start", "-0.6", "0", "0.33", "0", "--no-confirm", "--out", str(tmp_path / "c"))
        code, said, _ = run(capsys, "calibrate", str(cell.station), *start)
        assert code == 0, said
        found = read_cameras(file)[0].T_world_camera
        at = np.array([-0.5, 0.0, 0.0, 1.0])
        assert np.linalg.norm((found @ np.linalg.inv(truth) @ at - at)[:3]) < 1e-3
        cell.tell("no board")
        goal = format_color(cell.goal_rgb)
        words = ("retrieve", "--station", str(cell.station), "--goal", goal, "--no-confirm")
        code, said, _ = run(
            capsys, *words, "--policy", "geometric", "--out", str(tmp_path / "episode")
        )
        assert code == 0, said
        assert cell.report()["success"]
