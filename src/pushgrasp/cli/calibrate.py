"""`pushgrasp calibrate`: where a camera stands, from pictures of a board in the hand."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from ..errors import UserError
from .check import StationFile
from .options import Switch

if TYPE_CHECKING:
    from ..hardware.calibration.solve import Calibration
    from ..hardware.devices import FloatArray
    from ..hardware.robot import StationRobot
    from ..hardware.station import CameraConfig, Station
    from ..interfaces import Camera, Intrinsics

REST = 0.5  # s after a motion, so that nothing swings
SPEED = 0.1  # m/s
REPORT = "report.json"


@dataclass(frozen=True, kw_only=True)
class CalibrateCommand:
    """Find a camera's pose from pictures of a board that the hand holds in different ways.

    Print the board (--print-board), glue it on a flat plate, measure a square, and fix it to the
    hand. Guide the hand until the camera sees the board whole and large. The arm then goes to
    poses around that one, slowly, inside its fence. Every picture is kept; --resolve solves them
    again. A bad calibration is refused, with the reason.

    Examples:
      pushgrasp calibrate station.json --print-board board.pdf
      pushgrasp calibrate station.json --square 0.0379
      pushgrasp calibrate station.json --by-hand
      pushgrasp calibrate station.json --resolve calibration-front --square 0.0381
    """

    station: tyro.conf.Positional[StationFile]
    """Station file."""
    print_board: Annotated[Path | None, tyro.conf.arg(metavar="FILE.pdf")] = None
    """Write the board as a page to print at 100 %, and do nothing else."""
    camera: str = ""
    """Name of the camera; default: the station's first."""
    square: float = 0.038
    """m, side of a square as measured on the print."""
    poses: int = 15
    """Number of poses that the arm goes to."""
    start: Annotated[
        tuple[float, float, float, float] | None, tyro.conf.arg(metavar="X Y Z YAW")
    ] = None
    """m and rad: move here first, upright; default: the hand stays where it was guided to."""
    by_hand: Switch = False
    """Do not move the arm: guide it by hand, Enter takes a picture."""
    resolve: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Solve the pictures in this folder again; nothing moves."""
    out: Annotated[
        Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: beside STATION)")
    ] = None
    """Folder for the pictures; more are added to what is there."""
    confirm: bool = True
    """List the poses and wait for a yes before the arm moves."""
    force: Switch = False
    """Save the result although something is wrong with it."""

    def run(self) -> int:
        """Run the command; returns the exit code."""
        from ..hardware.calibration.board import Board, print_board
        from ..hardware.calibration.collect import read_set
        from ..hardware.calibration.lens import find_distortion
        from ..hardware.calibration.solve import calibrate_without_misfits
        from ..hardware.station import read_station

        if not 0.005 < self.square < 0.2:
            raise UserError(f"--square {self.square}: it must be in m, 0.038 as printed on A4")
        if self.print_board is not None:
            print_board(self.print_board, Board())
            print(f"{self.print_board} is written; print it at 100 %, and measure its ruler")
            return 0
        station = read_station(self.station)
        config = _choose(station, self.camera)
        folder = self.resolve or self.out or self.station.parent / f"calibration-{config.name}"
        if self.resolve is None:
            folder.mkdir(parents=True, exist_ok=True)
            self._collect(station, config, folder)
        views, intrinsics = read_set(folder, self.square if self.resolve else None)
        found, left_out = calibrate_without_misfits(views, intrinsics, _workspace_points(station))
        if left_out:
            print(f"left out, since they fit badly: {', '.join(left_out)}")
        kept = [view for view in views if view.name not in left_out]
        k1, k2, shift = find_distortion(kept, intrinsics, found)
        if shift:
            doubt = (
                f"the lens distorts the picture by up to {shift:.1f} px (k1 {k1:.3f}, k2 {k2:.3f}):"
                " undistort colour and depth before the camera's driver hands them on"
            )
            found = replace(found, doubts=(*found.doubts, doubt))
        return self._save(station, config, folder, found, intrinsics)

    def _collect(self, station: Station, config: CameraConfig, folder: Path) -> None:
        """Take pictures of the board in different poses."""
        from ..hardware.calibration.collect import keep_depth
        from ..hardware.connect import connect, open_for_calibration
        from .station_episode import stop_once

        with connect(station, cameras=False) as there, stop_once():
            camera = open_for_calibration(config)
            try:
                if self.by_hand:
                    self._take_by_hand(there.robot, camera, folder)
                else:
                    self._take(station, there.robot, camera, folder)
                keep_depth(folder, camera.capture().depth)
            finally:
                if callable(close := getattr(camera, "close", None)):
                    close()

    def _take(self, station: Station, robot: StationRobot, camera: Camera, folder: Path) -> None:
        from ..hardware.calibration.collect import propose
        from ..interfaces import MoveTo

        if self.start is not None:
            x, y, z, yaw = self.start
            robot.begin()
            report = robot.execute(MoveTo((x, y, z), yaw, SPEED))
            if not report.reached:
                raise UserError(f"the arm cannot get to --start: {report.reason}")
        start = station.base() @ robot.arm.state().T_base_tool
        poses = propose(start, station.make_fence(), self.poses)
        if self.confirm:
            for number, T in enumerate(poses):
                x, y, z = T[:3, 3]
                print(f"{number:3d}  tips at ({x:.3f}, {y:.3f}, {z:.3f}) m")
            if input("the arm goes there slowly; y to begin > ").strip().lower() not in (
                "y",
                "yes",
            ):
                raise KeyboardInterrupt("nothing has moved")
        for T in [start, *poses]:
            report = robot.move_pose(T, SPEED)
            if not report.reached:
                print(f"     left out: {report.reason}")
                continue
            time.sleep(REST)
            self._picture(robot, camera, folder)
        robot.move_pose(start, SPEED)

    def _take_by_hand(self, robot: StationRobot, camera: Camera, folder: Path) -> None:
        print("Guide the hand; tilt it about two axes by 20 degrees and more, and turn it.")
        while input("Enter: take a picture; q Enter: solve > ").strip().lower() != "q":
            self._picture(robot, camera, folder)

    def _picture(self, robot: StationRobot, camera: Camera, folder: Path) -> None:
        from ..hardware.calibration.board import Board
        from ..hardware.calibration.collect import keep

        board = Board(square=self.square, marker=self.square * Board.marker / Board.square)
        number = 1 + max((int(p.stem) for p in folder.glob("[0-9][0-9][0-9].png")), default=-1)
        image = camera.capture().color
        corners, _ = board.detect(image)
        keep(folder, number, image, robot.arm.state().T_base_tool, camera.intrinsics, board)
        most = (board.columns - 1) * (board.rows - 1)
        print(f"{number:03d}  {len(corners)} of {most} corners", flush=True)

    def _save(
        self, station: Station, config: CameraConfig, folder: Path, found: Calibration,
        intrinsics: object,
    ) -> int:  # fmt: skip
        import numpy as np

        from ..interfaces import Intrinsics
        from ..perception.camera_file import CameraSpec, read_cameras, write_cameras
        from ..utils.files import write_json

        assert isinstance(intrinsics, Intrinsics)
        error = 1e3 * np.sqrt(np.mean(found.errors**2))
        print(
            f"{len(found.residuals)} pictures; corners miss by {found.rms:.2f} px; the workspace "
            f"is known to {error:.1f} mm (worst picture left out: {1e3 * found.errors.max():.1f}); "
            f"the tool was tilted by {np.degrees(found.spread):.0f} degrees"
        )
        T_world_camera = station.base() @ found.T_base_camera
        scale = _depth_scale(folder, station, intrinsics, T_world_camera)
        report = {
            "date": time.strftime("%Y-%m-%d %H:%M"), "camera": config.name,
            "source": config.source, "rms_px": found.rms, "residuals_px": found.residuals,
            "workspace_mm": error, "spread_degrees": float(np.degrees(found.spread)),
            "T_world_camera": T_world_camera.tolist(), "T_tool_board": found.T_tool_board.tolist(),
            "depth_scale": scale, "doubts": found.doubts,
        }  # fmt: skip
        write_json(folder / REPORT, report)
        for doubt in found.doubts:
            print(f"doubt: {doubt}")
        if found.doubts and not self.force:
            print(f"not saved; the pictures are in {folder}. --force saves it all the same")
            return 1
        path = Path(config.calibration)
        others = [c for c in read_cameras(path) if c.name != config.name] if path.exists() else []
        spec = CameraSpec(config.name, intrinsics, T_world_camera, depth_scale=scale)
        write_cameras(path, [*others, spec])
        print(f"saved in {path}. Next: pushgrasp check {self.station}")
        return 0


def _choose(station: Station, name: str) -> CameraConfig:
    for config in station.cameras:
        if name in ("", config.name):
            return config
    names = ", ".join(config.name for config in station.cameras)
    raise UserError(f"--camera {name}: the station has no such camera; there are: {names}")


def _depth_scale(
    folder: Path, station: Station, intrinsics: Intrinsics, T_world_camera: FloatArray
) -> float:
    """Tell where the table is seen; returns the factor on the camera's depth, 1 for none."""
    import numpy as np

    from ..hardware.calibration.collect import read_depth
    from ..hardware.calibration.table import EXACT, fit_depth
    from ..interfaces import RGBDFrame

    depth = read_depth(folder)
    if depth is None:
        return 1.0
    color = np.zeros((*depth.shape, 3), np.uint8)
    fit = fit_depth(RGBDFrame(color, depth, intrinsics, T_world_camera), station.workspace)
    if fit.plane is None:
        print("the table is not seen in the last picture, so that depth is not checked")
        return 1.0
    scale = fit.scale if abs(fit.scale - 1) > EXACT else 1.0
    said = f"depth is multiplied by {scale:.4f}; " if scale != 1.0 else ""
    print(f"{said}the table is seen {fit.plane.describe()}")
    return scale


def _workspace_points(station: Station) -> FloatArray:
    """Return (25, 3) m, base frame: where errors are reported."""
    import numpy as np

    w = station.workspace
    side = np.linspace(0, w.size, 5)
    x, y = np.meshgrid(w.x_min + side, w.y_min + side)
    points = np.stack([x, y, np.full_like(x, w.table_z)], -1).reshape(-1, 3)
    T = np.linalg.inv(station.base())
    return points @ T[:3, :3].T + T[:3, 3]
