"""The rehearsed UR: the driver, ur_rtde, and a simulated cell behind the protocol."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest
from commands import run
from scipy.spatial.transform import Rotation

from pushgrasp.hardware.connect import connect
from pushgrasp.hardware.rehearsal.launch import Rehearsal, rehearsal
from pushgrasp.hardware.rehearsal.measure import MeasuredArm
from pushgrasp.hardware.rehearsal.session import Session
from pushgrasp.hardware.robot import upright
from pushgrasp.hardware.station import read_station
from pushgrasp.interfaces import MoveJaw, MoveTo

pytest.importorskip("rtde_control", reason="ur_rtde is not installed: pip install '.[ur]'")
pytest.importorskip("pymodbus", reason="pymodbus is not installed: pip install '.[rg2]'")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cell() -> Iterator[Rehearsal]:
    with rehearsal(Session("ur5e", "", n_objects=4, seed=1, patience=10.0, speedup=4.0)) as running:
        yield running


def test_it_moves_to_tilted_poses(cell: Rehearsal) -> None:
    T = upright((-0.5, 0.3, 0.3), 0.3)
    T[:3, :3] = T[:3, :3] @ Rotation.from_euler("xy", (20, -15), degrees=True).as_matrix()
    with connect(read_station(cell.station), cameras=False) as there:
        report = there.robot.move_pose(T, 0.3)
        assert report.reached, report.reason
        reached = np.array(cell.said["T_world_base"]) @ there.robot.arm.state().T_base_tool
        assert np.allclose(reached, T, atol=2e-3)
        assert there.robot.move_pose(upright((-0.5, 0.3, 0.3), 0.0), 0.3).reached


def test_touching_confirms_a_true_calibration_and_forces_stay_near_their_guard(
    cell: Rehearsal, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said, why = run(capsys, "touch", str(cell.station), "--no-confirm")
    assert code == 0, why
    misses = [float(mm) for mm in re.findall(r"contact at .*: ([-+][\d.]+) mm", said)]
    assert len(misses) >= 2, said
    assert max(map(abs, misses)) < 2.0
    x, y, z = map(float, re.findall(r"\(([-\d.]+), ([-\d.]+)\) m: seen at ([\d.]+) mm", said)[0])
    with connect(read_station(cell.station), cameras=False) as there:
        arm = there.robot.arm = MeasuredArm(there.robot.arm, cell)
        there.robot.execute(MoveJaw(0.0, 10.0))
        there.robot.execute(MoveTo((x, y, 0.25), 0.0, 0.3))
        there.robot.execute(MoveTo((x, y, z / 1e3 + 0.02), 0.0, 0.3))
        down = MoveTo((x, y, z / 1e3 - 0.01), 0.0, 0.05, guard_force=20.0)
        assert there.robot.execute(down).stopped_by_contact
        assert there.robot.execute(MoveTo((x, y, 0.25), 0.0, 0.3)).reached
    (stop,) = arm.stops
    assert stop.guard == 20.0
    assert 0 < stop.overshoot < 45.0  # closed fingers on a rigid block: 90 N/mm
    assert cell.report()["worst_felt"] < 65.0
