"""The RealSense driver through librealsense's own pipeline, from a synthetic D405 recording."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pushgrasp.errors import UserError
from pushgrasp.hardware.realsense import RealSenseCamera
from pushgrasp.interfaces import Intrinsics

WIDTH, HEIGHT, UNIT = 848, 480, 1e-4
LENS = Intrinsics(WIDTH, HEIGHT, 430.0, 430.0, 421.5, 238.5)
T_WORLD_CAMERA = np.eye(4)


@pytest.fixture(scope="module")
def rs() -> Any:
    return pytest.importorskip(
        "pyrealsense2",
        reason="pip install '.[realsense]' and apt-get install libusb-1.0-0",
        exc_type=ImportError,
    )


def record(
    rs: Any, path: Path, depths: list[npt.NDArray[np.uint16]], color: npt.NDArray[np.uint8]
) -> str:
    """Write a recording as a D405 gives it: depth in 0.1 mm, colour and depth from one sensor."""
    device = rs.software_device()
    sensor = device.add_sensor("Stereo Module")
    sensor.add_read_only_option(rs.option.depth_units, UNIT)
    lens = rs.intrinsics()
    lens.width, lens.height, lens.fx, lens.fy = WIDTH, HEIGHT, LENS.fx, LENS.fy
    lens.ppx, lens.ppy, lens.model = LENS.cx, LENS.cy, rs.distortion.brown_conrady
    kinds = [(rs.stream.depth, rs.format.z16, 2), (rs.stream.color, rs.format.rgb8, 3)]
    profiles = []
    for uid, (kind, form, bpp) in enumerate(kinds):
        stream = rs.video_stream()
        stream.type, stream.index, stream.uid, stream.fmt = kind, 0, uid, form
        stream.width, stream.height, stream.fps = WIDTH, HEIGHT, 30
        stream.bpp, stream.intrinsics = bpp, lens
        profiles.append(sensor.add_video_stream(stream))
    same = rs.extrinsics()
    same.rotation, same.translation = [1, 0, 0, 0, 1, 0, 0, 0, 1], [0, 0, 0]
    profiles[0].register_extrinsics_to(profiles[1], same)
    device.create_matcher(rs.matchers.default)
    recorder = rs.recorder(str(path), device)
    recorded = recorder.query_sensors()[0]
    recorded.open(profiles)
    syncer = rs.syncer()
    recorded.start(syncer)
    kept = []  # librealsense reads the pixels later
    for number, depth in enumerate(depths):
        for profile, data, bpp in zip(profiles, (depth, color), (2, 3), strict=True):
            frame = rs.software_video_frame()  # a fresh one each time
            kept.append(np.ascontiguousarray(data))
            frame.pixels, frame.stride, frame.bpp = kept[-1], WIDTH * bpp, bpp
            frame.timestamp, frame.frame_number = 1000 + 33.3 * number, number
            frame.domain = rs.timestamp_domain.hardware_clock
            frame.profile = profile.as_video_stream_profile()
            sensor.on_video_frame(frame)
    recorded.stop()
    recorded.close()
    return str(path)


def flat(value: int) -> npt.NDArray[np.uint16]:
    return np.full((HEIGHT, WIDTH), value, np.uint16)


def test_depth_is_the_median_in_metres_and_colour_is_aligned(rs: Any, tmp_path: Path) -> None:
    depths = [flat(6000 + 10 * (i % 3)) for i in range(16)]
    for i, depth in enumerate(depths):
        depth[:100] = 0  # never a return
        if i % 4:
            depth[100:200] = 0  # a return in a quarter of the frames
        if i % 4 == 0:
            depth[200:300] = 0  # in three quarters
    color = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    color[:, :400] = (200, 30, 10)
    camera = RealSenseCamera(record(rs, tmp_path / "a.db3", depths, color), T_WORLD_CAMERA, LENS)
    frame = camera.capture()
    assert frame.depth.dtype == np.float32
    assert (frame.depth[:200] == 0).all()
    assert np.allclose(frame.depth[201:], 0.601, atol=1.1e-3)
    assert frame.color[400, 300].tolist() == [200, 30, 10]
    assert frame.color[400, 600].tolist() == [0, 0, 0]
    assert frame.intrinsics == LENS


def test_a_recordings_end_is_a_sentence(rs: Any, tmp_path: Path) -> None:
    color = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    path = record(rs, tmp_path / "short.db3", [flat(5000)] * 4, color)
    camera = RealSenseCamera(path, T_WORLD_CAMERA)
    assert camera.capture().depth.max() > 0.4  # of fewer frames than asked for
    with pytest.raises(UserError, match="is at its end"):
        camera.capture()


def test_another_cameras_calibration_is_refused(rs: Any, tmp_path: Path) -> None:
    color = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    path = record(rs, tmp_path / "b.db3", [flat(5000)] * 4, color)
    with pytest.raises(UserError, match="Calibrate again"):
        RealSenseCamera(path, T_WORLD_CAMERA, Intrinsics(640, 480, 430.0, 430.0, 320.0, 240.0))


def test_no_camera_and_no_recording_are_sentences(rs: Any) -> None:
    with pytest.raises(UserError, match=r"no RealSense camera is connected.*USB 3"):
        RealSenseCamera("", T_WORLD_CAMERA)
    with pytest.raises(UserError, match="there is no recording"):
        RealSenseCamera("nowhere.db3", T_WORLD_CAMERA)


def test_a_missing_package_names_both_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyrealsense2", None)
    with pytest.raises(UserError, match=r"pip install '\.\[realsense\]', and apt-get"):
        RealSenseCamera("", T_WORLD_CAMERA)
