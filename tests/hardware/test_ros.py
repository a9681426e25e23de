"""ROS 2: messages to frames and back, and the node, on a client library that does at once."""

from __future__ import annotations

import json
import sys
import threading
import time
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_robot import make

from pushgrasp.errors import RobotError, UserError
from pushgrasp.hardware.ros import RetrieveNode, RosCamera, image_array, image_message
from pushgrasp.interfaces import Action, Intrinsics, MoveTo

K = Intrinsics(4, 3, 5.0, 5.0, 2.0, 1.5)


def message(**more: Any) -> Any:
    """A message of any type: its fields appear as they are set."""

    class Message(SimpleNamespace):
        def __getattr__(self, name: str) -> Any:
            made = Message()
            setattr(self, name, made)
            return made

    return Message(**more)


def image(array: np.ndarray, encoding: str, stamp: float, pad: int = 0, big: bool = False) -> Any:
    rows = array.astype(array.dtype.newbyteorder(">" if big else "<"))
    raw = [row.tobytes() + b"\0" * pad for row in rows]
    head = SimpleNamespace(stamp=SimpleNamespace(sec=int(stamp), nanosec=int(stamp % 1 * 1e9)))
    return SimpleNamespace(
        height=len(array), width=array.shape[1], encoding=encoding, is_bigendian=big,
        step=len(raw[0]), data=b"".join(raw), header=head,
    )  # fmt: skip


class Node:
    def __init__(self) -> None:
        self.subscribed: dict[str, Any] = {}
        self.services: dict[str, Any] = {}
        self.published: dict[str, list[Any]] = {}

    def create_subscription(self, _type: Any, topic: str, callback: Any, _qos: Any) -> None:
        self.subscribed[topic] = callback

    def create_service(self, _type: Any, name: str, callback: Any, **_: Any) -> None:
        self.services[name] = callback

    def create_publisher(self, _type: Any, topic: str, _depth: int) -> Any:
        said = self.published.setdefault(topic, [])
        return SimpleNamespace(publish=said.append)

    def destroy_node(self) -> None:
        pass


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> list[Node]:
    made: list[Node] = []

    def create_node(_name: str) -> Node:
        made.append(Node())
        return made[-1]

    spin = SimpleNamespace(add_node=lambda _n: None, spin=lambda: None, shutdown=lambda: None)
    modules = {
        "rclpy": {"ok": lambda: True, "create_node": create_node},
        "rclpy.executors": {
            "SingleThreadedExecutor": lambda: spin,
            "MultiThreadedExecutor": lambda num_threads: spin,
        },
        "rclpy.callback_groups": {"ReentrantCallbackGroup": lambda: None},
        "rclpy.qos": {"qos_profile_sensor_data": None},
        "sensor_msgs.msg": {"Image": message, "CameraInfo": message},
        "std_msgs.msg": {"String": message},
        "std_srvs.srv": {"Trigger": message},
        "visualization_msgs.msg": {"MarkerArray": message, "Marker": message},
    }
    for name, members in modules.items():
        fake = ModuleType(name)
        vars(fake).update(members)
        monkeypatch.setitem(sys.modules, name.partition(".")[0], ModuleType(name.partition(".")[0]))
        monkeypatch.setitem(sys.modules, name, fake)
    vars(sys.modules["rclpy"]).update(modules["rclpy"])
    return made


@given(st.sampled_from(["rgb8", "bgr8", "rgba8", "bgra8"]), st.integers(0, 9), st.integers(0, 99))
def test_colours_arrive_as_srgb_whatever_the_encoding(kind: str, pad: int, seed: int) -> None:
    rgb = np.random.default_rng(seed).integers(0, 256, (3, 4, 3), np.uint8)
    sent = rgb[..., ::-1] if kind.startswith("bgr") else rgb
    if kind.endswith("a8"):
        sent = np.concatenate([sent, np.full((3, 4, 1), 255, np.uint8)], -1)
    assert (image_array(image(sent, kind, 0.0, pad)) == rgb).all()


@pytest.mark.parametrize("big", [False, True])
def test_depth_arrives_in_metres(big: bool) -> None:
    depth = np.linspace(0.3, 0.9, 12, dtype=np.float32).reshape(3, 4)
    millimetres = np.round(1e3 * depth).astype(np.uint16)
    assert np.allclose(image_array(image(millimetres, "16UC1", 0.0, 2, big)), depth, atol=5e-4)
    assert np.allclose(image_array(image(depth, "32FC1", 0.0, 0, big)), depth)


def test_other_encodings_and_short_images_are_sentences() -> None:
    with pytest.raises(UserError, match="encoding 'yuv422'"):
        image_array(image(np.zeros((3, 4), np.uint8), "yuv422", 0.0))
    short = image(np.zeros((3, 4, 3), np.uint8), "rgb8", 0.0)
    short.data = short.data[:-1]
    with pytest.raises(UserError, match="35 bytes"):
        image_array(short)


def info(d: tuple[float, ...] = ()) -> Any:
    return SimpleNamespace(k=(K.fx, 0, K.cx, 0, K.fy, K.cy, 0, 0, 1), d=d)


def send_later(node: Node, apart: float = 0.0, **more: Any) -> None:
    """Publish an old pair at once, and a new one, whose stamps may differ, in a moment."""
    grey, far = np.full((3, 4, 3), 9, np.uint8), np.full((3, 4), 700, np.uint16)

    def send(shift: float) -> None:
        now = time.time() + shift
        node.subscribed["/c"](image(grey, "rgb8", now))
        node.subscribed["/d"](image(far, "16UC1", now + apart))
        node.subscribed["/i"](info(**more))

    send(-10.0)
    threading.Timer(0.1, send, (0.05,)).start()


def test_a_frame_is_a_new_pair_of_one_moment(nodes: list[Node]) -> None:
    camera = RosCamera("/c, /d, /i", K, np.eye(4), timeout=3.0)
    send_later(nodes[0])
    frame = camera.capture()
    assert frame.depth == pytest.approx(0.7)
    assert (frame.color == 9).all()
    camera.close()


def test_pairs_of_two_moments_and_distorted_images_are_refused(nodes: list[Node]) -> None:
    camera = RosCamera("/c,/d,/i", K, np.eye(4), timeout=0.4)
    send_later(nodes[0], apart=0.2)
    with pytest.raises(UserError, match="within 50 ms"):
        camera.capture()
    send_later(nodes[0], d=(0.1,))
    with pytest.raises(UserError, match="rectified"):
        camera.capture()
    with pytest.raises(UserError, match="three topics"):
        RosCamera("/c", K, np.eye(4))


def test_the_service_runs_an_episode_and_tells_its_end(nodes: list[Node]) -> None:
    picture = np.full((2, 3, 3), 7, np.uint8)
    action = Action("grasp", (1, 2), 0, (-0.5, 0.1, 0.04), np.pi / 2, q=0.9)

    def episode() -> tuple[bool, str]:
        node.show(picture, action)
        return True, "the goal is in the hand"

    node = RetrieveNode(episode)
    serving = threading.Thread(target=node.serve)
    serving.start()
    answer = nodes[0].services["~/retrieve"](None, message())
    assert answer.success
    assert answer.message == "the goal is in the hand"
    (seen,) = nodes[0].published["~/decision"]
    seen.is_bigendian = 0
    assert (image_array(seen) == picture).all()
    (markers,) = nodes[0].published["~/markers"]
    assert markers.markers[0].pose.position.x == -0.5
    states = [json.loads(m.data)["state"] for m in nodes[0].published["~/status"]]
    assert states == ["ready", "retrieving", "ready"]
    node.close()
    serving.join(5)
    assert not serving.is_alive()


def test_stop_ends_the_episode_and_a_second_one_at_a_time_is_refused(nodes: list[Node]) -> None:
    robot, arm, jaw = make()
    begun = threading.Event()

    def episode() -> tuple[bool, str]:
        node.stops(lambda: robot.halt("stopped by the service ~/stop"))
        begun.set()
        while True:
            robot.execute(MoveTo((-0.5, 0.0, 0.2), 0.0))
            time.sleep(0.01)

    node = RetrieveNode(episode)
    threading.Thread(target=node.serve, daemon=True).start()
    said: list[Any] = []
    ask = nodes[0].services["~/retrieve"]
    first = threading.Thread(target=lambda: said.append(ask(None, message())))
    first.start()
    assert begun.wait(5)
    assert ask(None, message()).message == "an episode is under way"
    assert nodes[0].services["~/stop"](None, message()).success
    first.join(5)
    assert not said[0].success
    assert "stopped by the service" in said[0].message
    assert arm.stops == 1
    assert jaw.openings == []
    with pytest.raises(RobotError, match="stopped by the service"):
        robot.home()
    node.close()


def test_a_missing_ros_names_its_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rclpy", None)
    with pytest.raises(UserError, match=r"pip install '.*\[ros\]'.*setup\.bash"):
        RosCamera("/c,/d,/i", K, np.eye(4))


def test_an_image_goes_out_and_comes_back() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    sent = image_message(lambda: message(is_bigendian=0), picture)
    assert (image_array(sent) == picture).all()
