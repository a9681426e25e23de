"""Intel RealSense cameras, D405 first: colour aligned to depth, median of 16, fixed exposure.

Colour is resampled into the depth picture, which is a pinhole without distortion; so depth's
intrinsics are those of the frame. The source is a serial number, or a recording's path, which is
played through the same pipeline.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import UserError
from ..interfaces import Intrinsics, Region, RGBDFrame
from .extras import need

RESOLUTION = (848, 480)  # alignment of a D405 is broken at 640 x 480 (librealsense 11329, 12918)
FRAME_RATE = 30
WARM_UP = 30  # frames until automatic exposure has settled
N_AVERAGED = 16  # depth frames, their median; valid where half of them are
TIMEOUT = 5000  # ms to wait for a frame
_USB = "check that cable and port are USB 3, that no other program uses the camera, and replug it"
_APT = "apt-get install libusb-1.0-0"


class RealSenseCamera:
    """A RealSense camera, or a recording of one, as a `Camera`.

    Args:
        source: serial number, "" for the only camera there is, or the path of a .db3 or .bag file.
        T_world_camera: (4, 4), of the depth camera.
        intrinsics: of the calibration; the device's own must agree. None takes the device's.
        resolution: (width, height) px.
        n_averaged: depth frames whose median is taken.
    Raises:
        UserError: pyrealsense2 or the camera is missing, or the calibration is not this camera's.
    """

    def __init__(
        self,
        source: str,
        T_world_camera: npt.NDArray[np.float64],
        intrinsics: Intrinsics | None = None,
        *,
        resolution: tuple[int, int] = RESOLUTION,
        n_averaged: int = N_AVERAGED,
    ) -> None:
        self._rs: Any = need("pyrealsense2", "realsense", also=_APT)
        rs = self._rs
        self.source, self.T_world_camera = source, np.asarray(T_world_camera, np.float64)
        self._n = n_averaged
        self._is_recording = Path(source).suffix in (".db3", ".bag")
        self._pipeline = rs.pipeline()
        config = rs.config()
        if self._is_recording:
            if not Path(source).expanduser().is_file():
                raise UserError(f"there is no recording {source}")
            config.enable_device_from_file(str(Path(source).expanduser()), repeat_playback=False)
        else:
            self._choose(config, source, resolution)
        try:
            profile = self._pipeline.start(config)
        except RuntimeError as error:
            raise UserError(
                f"the camera {source or 'without a serial'}: {error}; {_USB}"
            ) from error
        device = profile.get_device()
        serial = rs.camera_info.serial_number
        self.serial = device.get_info(serial) if device.supports(serial) else source
        self._unit = device.first_depth_sensor().get_depth_scale()  # 1e-4 m in a D405
        self._align = rs.align(rs.stream.depth)
        self.intrinsics = _intrinsics(profile.get_stream(rs.stream.depth))
        if intrinsics is not None:
            _must_agree(self.intrinsics, intrinsics, source)
        if self._is_recording:
            device.as_playback().set_real_time(False)
        else:
            self._settle(device)

    def capture(self, region: Region | None = None) -> RGBDFrame:
        """Take pictures after this call and average their depth; the whole image is returned.

        Raises:
            UserError: no frame came, or a recording is at its end.
        """
        asked = 1e3 * time.time()
        depths: list[npt.NDArray[np.uint16]] = []
        color: npt.NDArray[np.uint8] | None = None
        while len(depths) < self._n:
            frames = self._wait(some=bool(depths))
            if frames is None:
                break
            if not self._is_recording and frames.get_timestamp() < asked:
                continue  # from the queue, taken before the arm came to rest
            frames = self._align.process(frames)
            depths.append(np.asanyarray(frames.get_depth_frame().get_data()).copy())
            color = np.asanyarray(frames.get_color_frame().get_data()).copy()
        assert color is not None
        return RGBDFrame(color, _median(depths, self._unit), self.intrinsics, self.T_world_camera)

    def close(self) -> None:
        """Stop the stream."""
        self._pipeline.stop()

    def _wait(self, *, some: bool) -> Any:
        """Return the next frames; None at the end of a recording that gave some."""
        got, frames = self._pipeline.try_wait_for_frames(TIMEOUT if not self._is_recording else 500)
        if got:
            return frames
        if self._is_recording:
            if some:
                return None
            raise UserError(f"the recording {self.source} is at its end")
        raise UserError(f"the camera {self.serial} sent no picture in {TIMEOUT // 1000} s; {_USB}")

    def _choose(self, config: Any, serial: str, resolution: tuple[int, int]) -> None:
        rs = self._rs
        found = {d.get_info(rs.camera_info.serial_number): d for d in rs.context().query_devices()}
        if not found:
            raise UserError(f"no RealSense camera is connected; {_USB}")
        if serial and serial not in found:
            raise UserError(f"no camera {serial!r}; connected are: {', '.join(sorted(found))}")
        if not serial and len(found) > 1:
            raise UserError(f"which camera? connected are: {', '.join(sorted(found))}")
        serial = serial or next(iter(found))
        usb = found[serial].get_info(rs.camera_info.usb_type_descriptor)
        if not usb.startswith("3"):
            raise UserError(f"the camera {serial} is connected by USB {usb}; it needs USB 3")
        config.enable_device(serial)
        config.enable_stream(rs.stream.depth, *resolution, rs.format.z16, FRAME_RATE)
        config.enable_stream(rs.stream.color, *resolution, rs.format.rgb8, FRAME_RATE)

    def _settle(self, device: Any) -> None:
        """Let exposure and white balance settle, then hold them, so that colours keep still."""
        rs = self._rs
        for _ in range(WARM_UP):
            self._wait(some=False)
        for sensor in device.query_sensors():
            for option in (rs.option.enable_auto_exposure, rs.option.enable_auto_white_balance):
                if sensor.supports(option):
                    sensor.set_option(option, 0)


def _median(depths: list[npt.NDArray[np.uint16]], unit: float) -> npt.NDArray[np.float32]:
    """Return (H, W) m, the median of the returns; 0 where under half of the frames have one."""
    stack = np.stack(depths).astype(np.float32)
    stack[stack == 0] = np.nan
    enough = 2 * np.isfinite(stack).sum(axis=0) >= len(depths)
    result = np.zeros(stack.shape[1:], np.float32)
    result[enough] = np.nanmedian(stack[:, enough], axis=0) * np.float32(unit)
    return result


def _intrinsics(stream: Any) -> Intrinsics:
    k = stream.as_video_stream_profile().get_intrinsics()
    return Intrinsics(k.width, k.height, k.fx, k.fy, k.ppx, k.ppy)


def _must_agree(own: Intrinsics, given: Intrinsics, source: str) -> None:
    same_size = (own.width, own.height) == (given.width, given.height)
    a, b = ((k.fx, k.fy, k.cx, k.cy) for k in (own, given))
    if not same_size or not np.allclose(a, b, atol=0.5):
        raise UserError(
            f"the calibration is of {given.width} x {given.height} pixels, fx {given.fx:.1f}; the "
            f"camera {source} has {own.width} x {own.height}, fx {own.fx:.1f}: is it this "
            "camera's? Calibrate again"
        )
