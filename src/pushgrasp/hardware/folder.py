"""A camera that is a folder: any program writes pictures there, the newest one is taken.

A picture is three files, written beside and renamed, the JSON last: NAME.color.png (8 bit RGB),
NAME.depth.png (16 bit) and NAME.json with depth_unit (m), fx, fy, cx, cy (pixels) and
timestamp (s since the epoch).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from ..errors import UserError
from ..interfaces import Intrinsics, Region, RGBDFrame
from ..utils.config_json import from_json
from ..utils.files import read_json

POLL = 0.02  # s


@dataclass(frozen=True)
class _Entry:
    """The JSON file of a picture."""

    depth_unit: float  # m per count
    fx: float
    fy: float
    cx: float
    cy: float
    timestamp: float  # s since the epoch


class FolderCamera:
    """A folder as a `Camera`.

    Args:
        folder: where pictures arrive.
        intrinsics, T_world_camera: of the calibration; a picture with others is refused.
        timeout: s to wait for a picture taken after the call.
        live: False takes the newest picture however old it is, for replays.
    Raises:
        UserError: there is no such folder.
    """

    def __init__(
        self,
        folder: str | Path,
        intrinsics: Intrinsics,
        T_world_camera: npt.NDArray[np.float64],
        *,
        timeout: float = 5.0,
        live: bool = True,
    ) -> None:
        self.folder = Path(folder).expanduser()
        if not self.folder.is_dir():
            raise UserError(f"the camera's folder {self.folder} does not exist; make it first")
        self.intrinsics, self.T_world_camera = intrinsics, T_world_camera
        self._timeout, self._live = timeout, live

    def capture(self, region: Region | None = None) -> RGBDFrame:
        """Wait for a picture taken after this call; the whole image is returned.

        Raises:
            UserError: none came in time, or it does not fit the calibration.
        """
        asked = time.time()
        while True:
            for path in sorted(self.folder.glob("*.json"), key=_age)[:3]:
                entry = from_json(_Entry, read_json(path), str(path))
                if not self._live or entry.timestamp > asked:
                    return self._read(path, entry)
            if time.time() - asked > self._timeout:
                raise UserError(
                    f"no new picture came to {self.folder} in {self._timeout:g} s; is the program "
                    "that writes them running, and are both clocks right?"
                )
            time.sleep(POLL)

    def _read(self, path: Path, entry: _Entry) -> RGBDFrame:
        stem = path.with_suffix("")
        color = cv2.imread(f"{stem}.color.png", cv2.IMREAD_COLOR)
        depth = cv2.imread(f"{stem}.depth.png", cv2.IMREAD_UNCHANGED)
        if color is None or depth is None:
            raise UserError(f"{stem}.color.png or {stem}.depth.png cannot be read")
        k = self.intrinsics
        same = np.allclose(
            (entry.fx, entry.fy, entry.cx, entry.cy), (k.fx, k.fy, k.cx, k.cy), atol=0.5
        )
        if depth.shape != (k.height, k.width) or depth.dtype != np.uint16 or not same:
            raise UserError(
                f"{path}: a picture of {depth.shape[1]} x {depth.shape[0]} pixels with fx "
                f"{entry.fx:g} does not fit the calibration ({k.width} x {k.height}, fx {k.fx:g}); "
                "calibrate at this resolution"
            )
        metres = (depth * entry.depth_unit).astype(np.float32)
        return RGBDFrame(
            np.ascontiguousarray(color[..., ::-1], np.uint8), metres, k, self.T_world_camera
        )


def newest_intrinsics(folder: str | Path) -> Intrinsics:
    """Return the intrinsics of the newest picture in a folder.

    Raises:
        UserError: there is none.
    """
    for path in sorted(Path(folder).expanduser().glob("*.json"), key=_age):
        entry = from_json(_Entry, read_json(path), str(path))
        depth = cv2.imread(f"{path.with_suffix('')}.depth.png", cv2.IMREAD_UNCHANGED)
        if depth is not None:
            h, w = depth.shape[:2]
            return Intrinsics(w, h, entry.fx, entry.fy, entry.cx, entry.cy)
    raise UserError(f"the camera's folder {folder} holds no picture yet")


def _age(path: Path) -> float:
    try:
        return -path.stat().st_mtime
    except OSError:
        return 0.0
