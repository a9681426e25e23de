"""`pushgrasp ros`: a station as a ROS 2 node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import tyro

from ..errors import UserError
from .check import StationFile
from .options import Device, Folder, PolicyName, Switch


@dataclass(frozen=True, kw_only=True)
class RosCommand:
    """Offer a station as a ROS 2 node, pushgrasp.

    Services: ~/retrieve runs an episode and answers at its end, ~/stop stops the arm (both
    std_srvs/Trigger). Topics: ~/status (JSON), ~/decision (image) and ~/markers of each decision.
    A camera with the driver "ros" reads topics. The arm stays on its maker's client, so that
    franka_ros2 or ur_robot_driver must not run beside it.

    Examples:
      pushgrasp ros station.json --goal red --out episode
      ros2 service call /pushgrasp/retrieve std_srvs/srv/Trigger
    """

    station: tyro.conf.Positional[StationFile]
    """Station file."""
    goal: Annotated[str, tyro.conf.arg(metavar="COLOUR")]
    """Colour of the object to retrieve."""
    out: Folder
    """Folder for pictures and episode.json; each episode replaces the last."""
    policy: PolicyName = "default"
    """Built-in name, folder of a policy or training run, or a class in a file of yours."""
    device: Device = "auto"
    """Where networks run."""
    max_actions: int = 30
    """The most actions of an episode."""
    unattended: Switch = False
    """Do not ask in this terminal before each action."""

    def run(self) -> int:
        """Run the command; returns the exit code."""
        import cv2
        import numpy as np
        from rich.console import Console

        from ..hardware.connect import jaw_geometry
        from ..hardware.robot import StationRobot
        from ..hardware.ros import RetrieveNode
        from ..hardware.station import read_station
        from ..perception.colors import parse_color
        from ..policy.load import PolicySource
        from ..retrieve import Step
        from .check import run_checks
        from .station_episode import StationEpisode, episode_folder

        if self.max_actions < 1:
            raise UserError(f"--max-actions {self.max_actions}: it must be at least 1")
        station, goal = read_station(self.station), parse_color(self.goal)
        policy = PolicySource.resolve(self.policy).load(
            jaw_geometry(station.jaw), device=self.device
        )
        console = Console(highlight=False, markup=False, soft_wrap=True)

        def connected(robot: StationRobot) -> None:
            node.stops(lambda: robot.halt("stopped by the service ~/stop"))

        def show(step: Step, picture: bytes) -> None:
            image = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
            assert image is not None
            node.show(np.asarray(image[..., ::-1], np.uint8), step.decision.action)
            node.say("deciding", step=step.index, why=step.decision.why)

        def episode() -> tuple[bool, str]:
            if failed := run_checks(station):
                return False, f"not ready: {', '.join(failed)}; nothing has moved"
            last = StationEpisode(
                station, goal, policy, policy_name=self.policy, folder=episode_folder(self.out),
                confirm=station.confirm and not self.unattended, max_actions=self.max_actions,
                console=console, on_connect=connected, show=show,
            ).run()  # fmt: skip
            return last.claimed_success, last.reason

        node = RetrieveNode(episode)
        print("ready: ros2 service call /pushgrasp/retrieve std_srvs/srv/Trigger", flush=True)
        try:
            node.serve()
        finally:
            node.close()
        return 0
