"""ROS 2 at the edges of a station: a camera from topics, and a node with services.

Only standard message types are used. The arm stays on its maker's client: FCI and the RTDE input
registers take one program, so that franka_ros2 or ur_robot_driver must not run at the same time.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import RobotError, UserError
from ..interfaces import Action, Intrinsics, Region, RGBDFrame
from .extras import need

SAME_TIME = 0.05  # s between the stamps of colour and depth that belong together
TIMEOUT = 5.0  # s for a picture
_CHANNELS = {"rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "mono8": 1, "8UC3": 3}


def import_ros() -> SimpleNamespace:
    """Import the client library and the message types.

    Raises:
        UserError: they are not there; the message says what to run.
    """
    also = "or source the setup.bash of a ROS 2 installation for this Python"
    names = {"rclpy": "rclpy", "executors": "rclpy.executors", "groups": "rclpy.callback_groups",
             "qos": "rclpy.qos", "sensor": "sensor_msgs.msg", "std": "std_msgs.msg",
             "srv": "std_srvs.srv", "marker": "visualization_msgs.msg"}  # fmt: skip
    ros = SimpleNamespace(**{k: need(module, "ros", also=also) for k, module in names.items()})
    if not ros.rclpy.ok():
        ros.rclpy.init()
    return ros


def image_array(message: Any) -> npt.NDArray[Any]:
    """Convert sensor_msgs/Image to an array: (H, W, 3) sRGB, or depth (H, W) in m.

    Raises:
        UserError: an encoding that is neither colour nor depth, or too few bytes.
    """
    kind, h, w = message.encoding, message.height, message.width
    dtype = {"16UC1": np.uint16, "mono16": np.uint16, "32FC1": np.float32}.get(kind, np.uint8)
    channels = _CHANNELS.get(kind, 1)
    if dtype == np.uint8 and kind not in _CHANNELS:
        raise UserError(
            f"an image has the encoding {kind!r}; colour must be one of {', '.join(_CHANNELS)}, "
            "depth 16UC1 (mm) or 32FC1 (m)"
        )
    order = np.dtype(dtype).newbyteorder(">" if message.is_bigendian else "<")
    row = w * channels * order.itemsize
    data = np.frombuffer(bytes(message.data), np.uint8)
    if message.step < row or len(data) < h * message.step:
        raise UserError(f"an image of {w} x {h} pixels has {len(data)} bytes, step {message.step}")
    rows = data[: h * message.step].reshape(h, message.step)[:, :row]
    values = np.ascontiguousarray(rows).view(order).reshape(h, w, channels)
    if dtype == np.uint16:
        return values[..., 0].astype(np.float32) / 1e3
    if dtype == np.float32:
        return values[..., 0].astype(np.float32)
    if channels == 1:
        return np.repeat(values, 3, axis=2)
    colour = values[..., :3]
    return np.ascontiguousarray(colour[..., ::-1] if kind.startswith("bgr") else colour)


def image_message(make: Callable[[], Any], image: npt.NDArray[np.uint8]) -> Any:
    """Convert an (H, W, 3) sRGB array to sensor_msgs/Image."""
    message = make()
    message.height, message.width = image.shape[:2]
    message.encoding, message.step = "rgb8", 3 * image.shape[1]
    message.data = np.ascontiguousarray(image).tobytes()
    return message


def _stamp(message: Any) -> float:
    return message.header.stamp.sec + 1e-9 * message.header.stamp.nanosec


class RosCamera:
    """A camera whose pictures come as topics, as a `Camera`.

    Args:
        source: topics of colour, depth aligned to it, and camera_info, separated by commas.
        intrinsics: of the calibration; those of camera_info must agree.
        T_world_camera: (4, 4).
    Raises:
        UserError: ROS is missing, or the source does not name three topics.
    """

    def __init__(
        self,
        source: str,
        intrinsics: Intrinsics,
        T_world_camera: npt.NDArray[np.float64],
        timeout: float = TIMEOUT,
    ) -> None:
        self.intrinsics, self.T_world_camera = intrinsics, T_world_camera
        self._timeout, self._source = timeout, source
        topics = [t.strip() for t in source.split(",")]
        if len(topics) != 3:
            raise UserError(
                f"camera: the source {source!r} must be three topics: colour, depth, camera_info"
            )
        ros = import_ros()
        self._colors: list[Any] = []
        self._depths: list[Any] = []
        self._info: Any = None
        self._news = threading.Condition()
        self._node = ros.rclpy.create_node("pushgrasp_camera")
        qos = ros.qos.qos_profile_sensor_data
        image = ros.sensor.Image
        self._node.create_subscription(image, topics[0], lambda m: self._take(self._colors, m), qos)
        self._node.create_subscription(image, topics[1], lambda m: self._take(self._depths, m), qos)
        self._node.create_subscription(ros.sensor.CameraInfo, topics[2], self._take_info, qos)
        self._executor = ros.executors.SingleThreadedExecutor()
        self._executor.add_node(self._node)
        threading.Thread(target=self._executor.spin, daemon=True).start()

    def capture(self, region: Region | None = None) -> RGBDFrame:
        """Wait for a pair that was taken after this call; the whole image is returned.

        Raises:
            UserError: none came in time, or it does not fit the calibration.
        """
        asked = time.time()
        with self._news:
            found = self._news.wait_for(lambda: self._pair(asked), self._timeout)
        if not found:
            raise UserError(
                f"no colour and depth within {1e3 * SAME_TIME:.0f} ms of each other came from "
                f"{self._source} in {self._timeout:g} s, with a camera_info; is the camera's node "
                "running, and are both clocks right?"
            )
        k, seen = self.intrinsics, self._info.k
        if not np.allclose(
            (seen[0], seen[4], seen[2], seen[5]), (k.fx, k.fy, k.cx, k.cy), atol=0.5
        ):
            raise UserError(f"camera_info of {self._source} does not fit the calibration")
        if np.any(self._info.d):
            raise UserError(f"{self._source}: images are distorted; subscribe to rectified ones")
        color, depth = (image_array(m) for m in found)
        if color.shape[:2] != (k.height, k.width) or depth.shape != color.shape[:2]:
            raise UserError(f"{self._source}: depth is not aligned to colour at this resolution")
        return RGBDFrame(color, depth, k, self.T_world_camera)

    def close(self) -> None:
        """End the subscriptions."""
        self._executor.shutdown()
        self._node.destroy_node()

    def _take(self, kept: list[Any], message: Any) -> None:
        with self._news:
            kept.append(message)
            del kept[:-5]
            self._news.notify_all()

    def _take_info(self, message: Any) -> None:
        with self._news:
            self._info = message
            self._news.notify_all()

    def _pair(self, after: float) -> tuple[Any, Any] | None:
        if self._info is None:
            return None
        for color in reversed(self._colors):
            for depth in reversed(self._depths):
                near = abs(_stamp(color) - _stamp(depth)) <= SAME_TIME
                if near and min(_stamp(color), _stamp(depth)) > after:
                    return color, depth
        return None


class RetrieveNode:
    """Services ~/retrieve and ~/stop; topics ~/status, ~/decision and ~/markers.

    Episodes run in the thread that calls `serve`: signals must reach it.

    Args:
        run: one episode; returns whether the robot claims success, and a sentence.
    """

    def __init__(self, run: Callable[[], tuple[bool, str]]) -> None:
        ros = self._ros = import_ros()
        self._run = run
        self._asked: queue.Queue[queue.Queue[tuple[bool, str]] | None] = queue.Queue()
        self._busy = threading.Lock()
        self._stop: Callable[[], None] = lambda: None
        self._node = ros.rclpy.create_node("pushgrasp")
        group = ros.groups.ReentrantCallbackGroup()
        trigger = ros.srv.Trigger
        self._node.create_service(trigger, "~/retrieve", self._retrieve, callback_group=group)
        self._node.create_service(trigger, "~/stop", self._halt, callback_group=group)
        self._status = self._node.create_publisher(ros.std.String, "~/status", 10)
        self._pictures = self._node.create_publisher(ros.sensor.Image, "~/decision", 1)
        self._markers = self._node.create_publisher(ros.marker.MarkerArray, "~/markers", 1)
        self._executor = ros.executors.MultiThreadedExecutor(num_threads=3)
        self._executor.add_node(self._node)
        threading.Thread(target=self._executor.spin, daemon=True).start()

    def serve(self) -> None:
        """Run episodes as they are asked for, until `close`."""
        self.say("ready")
        while (answer := self._asked.get()) is not None:
            try:
                answer.put(self._run())
            except (RobotError, UserError) as error:
                answer.put((False, str(error)))
            except BaseException:
                answer.put((False, "the program was stopped"))
                raise
            finally:
                self._stop = lambda: None

    def stops(self, stop: Callable[[], None]) -> None:
        """Set what ~/stop does during an episode."""
        self._stop = stop

    def say(self, state: str, **more: Any) -> None:
        """Publish ~/status as JSON."""
        message = self._ros.std.String()
        message.data = json.dumps({"state": state, **more})
        self._status.publish(message)

    def show(self, picture: npt.NDArray[np.uint8], action: Action | None) -> None:
        """Publish a decision: its (H, W, 3) sRGB picture, and a marker in the world frame."""
        self._pictures.publish(image_message(self._ros.sensor.Image, picture))
        if action is None:
            return
        arrow = self._ros.marker.Marker()
        arrow.header.frame_id = "world"
        arrow.ns, arrow.type, arrow.action = "pushgrasp", 0, 0
        at, q = arrow.pose.position, arrow.pose.orientation
        at.x, at.y, at.z = (float(v) for v in action.position)
        q.z, q.w = float(np.sin(action.yaw / 2)), float(np.cos(action.yaw / 2))
        arrow.scale.x, arrow.scale.y, arrow.scale.z = 0.1, 0.01, 0.01
        grasp = action.primitive == "grasp"
        arrow.color.r, arrow.color.g, arrow.color.b = (0.1, 0.7, 0.2) if grasp else (0.9, 0.5, 0.1)
        arrow.color.a = 1.0
        several = self._ros.marker.MarkerArray()
        several.markers = [arrow]
        self._markers.publish(several)

    def close(self) -> None:
        """End `serve` and the node."""
        self._asked.put(None)
        self._executor.shutdown()
        self._node.destroy_node()

    def _retrieve(self, _request: Any, response: Any) -> Any:
        if not self._busy.acquire(blocking=False):
            response.success, response.message = False, "an episode is under way"
            return response
        try:
            answer: queue.Queue[tuple[bool, str]] = queue.Queue()
            self._asked.put(answer)
            self.say("retrieving")
            response.success, response.message = answer.get()
            self.say("ready", success=response.success, message=response.message)
        finally:
            self._busy.release()
        return response

    def _halt(self, _request: Any, response: Any) -> Any:
        self._stop()
        response.success, response.message = True, "the arm has stopped; it keeps what it holds"
        self.say("stopped")
        return response
