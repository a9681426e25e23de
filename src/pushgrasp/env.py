"""The simulated table as a Gymnasium environment: one primitive of the robot is one step.

The simulator's ground truth is used for the reward, for `info["truth"]`, and for when and why an
episode ends.
"""

from __future__ import annotations

import dataclasses
import multiprocessing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt

try:
    import gymnasium as gym
    from gymnasium.spaces import Box, Dict, MultiBinary, MultiDiscrete
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("pushgrasp.env needs Gymnasium: pip install gymnasium") from error

from .errors import RobotError, SimulatorFault, UserError
from .evaluation.config import EvaluationConfig
from .evaluation.episode import Episode, StepResult
from .evaluation.plan import plan_trials
from .evaluation.records import TrialSpec
from .evaluation.trial import MAX_FAULTS, scene_config
from .interfaces import Action, Outcome, Primitive
from .perception.colors import color_name
from .perception.heightmap import Heightmap
from .perception.observation import Observation
from .policy.maps import occupancy
from .primitives import PrimitiveConfig
from .sim.cameras.spectator import Spectator
from .sim.cameras.views import ViewConfig
from .sim.config import RobotName
from .sim.scenes.build import build_scene
from .training.recipes import RECIPES
from .training.rewards import alternating_grasp_reward, grasp_reward, push_reward
from .utils.display import check_display
from .utils.threads import use_one_thread
from .workspace import N_ROTATIONS, Workspace, read_workspace

if TYPE_CHECKING:
    from .sim.cameras.window import Window
    from .sim.scenes.build import Scene

ENV_ID = "pushgrasp/Retrieve-v0"
PRIMITIVES: tuple[Primitive, ...] = get_args(Primitive)
"""The meaning of an action's first number: 0 grasp, 1 push."""
OPTIONS = ("scene", "objects", "goal")

Arrays = dict[str, Any]  # numpy arrays, see `to_arrays`
Info = dict[str, Any]
Reward = Literal["sparse", "paper"]


class RetrieveEnv(gym.Env[Arrays, npt.NDArray[np.int64]]):
    """Take one object out of clutter; docs/gym.md says what the arrays and numbers mean.

    Args:
        robot: gantry, ur5e, panda, fr3 or gantry-franka.
        scenes: random, heap, challenging-01 and so on, or scene files; each reset draws one.
        objects: numbers of objects in procedural scenes; each reset draws one.
        reward: sparse, or the paper's equations 3 and 4.
        policy: name or folder; its GraspNet measures the gain of a push for the paper's reward.
        device: where that network runs; see `load_policy`.
        primitive: depths and lengths of the motions; None: those of the `default` policy.
        view: the robot's cameras; None for the default one.
        workspace: where the robot works, or a file that says so; None: the standard workspace.
            Fixed scenes are moved there.
        randomise: vary masses, frictions, sizes, colours and light from scene to scene.
        render_mode: None; rgb_array, images by `render`; human, a window that shows the robot
            as it moves, which needs a display.
    Raises:
        UserError: there is no such robot, scene, number of objects, reward or render mode.
    """

    metadata = {"render_modes": ["human", "rgb_array"], "render_fps": 1}  # noqa: RUF012 (Gymnasium's way)

    def __init__(
        self,
        *,
        robot: RobotName = "gantry",
        scenes: str | Sequence[str] = ("random",),
        objects: int | Sequence[int] = (10,),
        reward: Reward = "sparse",
        policy: str | Path = "default",
        device: str = "auto",
        primitive: PrimitiveConfig | None = None,
        view: ViewConfig | None = None,
        workspace: Workspace | str | Path | None = None,
        randomise: bool = False,
        render_mode: str | None = None,
    ) -> None:
        if reward not in get_args(Reward):
            raise UserError(f"reward {reward!r}: it is one of {', '.join(get_args(Reward))}")
        if render_mode not in (None, *self.metadata["render_modes"]):
            modes = " or ".join(repr(mode) for mode in (None, *self.metadata["render_modes"]))
            raise UserError(f"render_mode {render_mode!r}: it is {modes}")
        if render_mode == "human":
            check_display('render_mode "human"')
        self._robot: RobotName = robot
        self._reward, self.render_mode = reward, render_mode
        self._scenes = [scenes] if isinstance(scenes, str) else list(scenes)
        self._objects = [objects] if isinstance(objects, int) else objects
        given: Any = self._objects  # whatever a caller without a type checker gives
        if not isinstance(given, Sequence) or not all(isinstance(n, int) for n in given):
            raise UserError(f"objects {objects!r}: it is a number or a list of numbers")
        self._view, self._randomise = view, randomise
        if isinstance(workspace, str | Path):
            workspace = read_workspace(workspace)
        self.workspace = workspace or Workspace()
        if view is not None:
            view.check(self.workspace)
        self._specs = self._plan({})
        self._primitive = primitive or RECIPES["default"].primitive
        self._source, self._device = policy, device
        self._policy = None  # loaded when it is first needed
        self._episode: Episode | None = None
        self._done = False
        self._spectator: Spectator | None = None
        self._draw: Callable[[], npt.NDArray[np.uint8]] | None = None
        self._window: Window | None = None
        self.observation_space = _observation_space(self.workspace)
        self._limits = [len(PRIMITIVES), N_ROTATIONS, *self.workspace.shape]
        self.action_space = MultiDiscrete(self._limits)
        if multiprocessing.parent_process() is not None:
            use_one_thread()  # one of several environments, which share the cores

    def reset(self, *, seed: int | None = None, options: Info | None = None) -> tuple[Arrays, Info]:
        """Build a scene; after a simulator fault the next one that the seed gives.

        Args:
            seed: of the environment's RNG; None: continue with it.
            options: "scene", "objects", "goal" (its index), for this episode only.
        Raises:
            UserError: there is no such option, scene or goal.
            SimulatorFault: ten scenes in a row ended in a fault.
        """
        super().reset(seed=seed)
        specs = self._plan(options) if options else self._specs
        spec = specs[int(self.np_random.integers(len(specs)))]
        faults: list[str] = []
        while len(faults) < MAX_FAULTS:
            # Evaluation's seeds are below 2**53: training here meets no scene of its.
            spec = dataclasses.replace(spec, randomise=self._randomise, workspace=self.workspace)
            config = scene_config(spec, int(self.np_random.integers(2**62, 2**63)))
            try:
                scene = build_scene(config)
                self._episode = episode = Episode(scene, self._primitive, view=self._view)
                break
            except (SimulatorFault, RobotError) as fault:
                faults.append(str(fault))
        else:
            raise SimulatorFault(
                f"all {MAX_FAULTS} scenes ended in a fault, the last one: {faults[-1]}"
            )
        self._done = False
        if self.render_mode == "rgb_array":
            self._spectator = Spectator(scene.world)
            self._draw = self._spectator.moment()
        elif self.render_mode == "human":
            self._open_window(scene)
        truth = {
            "scene": config.name,
            "seed": config.seed,
            "goal": scene.goal_name,
            "visible_fraction": scene.visible_fraction,
            "faults": len(faults),
        }
        info = {"max_actions": episode.max_actions, "truth": truth}
        return to_arrays(episode.observation), _goal(episode) | info

    def step(self, action: npt.ArrayLike) -> tuple[Arrays, float, bool, bool, Info]:
        """Carry out one primitive, go home, look again.

        Args:
            action: (4,) primitive, rotation, row, column; see `action_space`.
        Returns:
            Observation, reward, terminated, truncated, info. An action at a pixel that was not
            seen, or that the robot refuses, is one without effect: `info["refused"]` says why.
        Raises:
            UserError: the action is not in the action space.
            ResetNeeded: no episode is under way.
        """
        episode = self._episode
        if episode is None or self._done:
            raise gym.error.ResetNeeded("no episode is under way: call reset() first")
        before = episode.observation
        chosen, fault, reward = self._action(action, before), "", 0.0
        if self._window is not None:
            self._show(self._window, chosen)
        try:
            turn = episode.act(chosen)
            reward = self._rewarded(chosen, turn)
            if self._spectator is not None:
                self._draw = self._spectator.moment()
        except (SimulatorFault, RobotError) as error:
            fault, nothing = str(error), Outcome(executed=False)
            turn = StepResult(before, before, nothing, False, False, reason=fault, given_up=True)
        self._done = bool(turn.reason)
        info = {
            "executed": turn.outcome.executed,
            "refused": "" if turn.outcome.executed else turn.outcome.reason,
            "holding": turn.outcome.holding,
            "changed": turn.outcome.changed,
            "claimed": turn.outcome.holds_goal,
            "reason": turn.reason,
            "fault": fault,
            "truth": {"success": turn.success, "lifted": turn.lifted},
        }
        terminated = self._done and not turn.given_up
        return to_arrays(turn.after), reward, terminated, turn.given_up, _goal(episode) | info

    def render(self) -> npt.NDArray[np.uint8] | None:
        """Draw the table from the side.

        Returns:
            (360, 640, 3) sRGB, if the render mode is rgb_array. None in human mode: the window
            follows the robot by itself.
        """
        if self.render_mode == "human":
            return None
        if self.render_mode is None:
            gym.logger.warn('nothing to render: make the environment with render_mode="rgb_array"')
            return None
        if self._draw is None:
            raise gym.error.ResetNeeded("there is nothing to draw yet: call reset() first")
        return self._draw()

    def close(self) -> None:
        """Release the scene and the networks; `reset` builds new ones."""
        self._episode = self._spectator = self._draw = None
        self._policy = None
        self._close_window()

    def _open_window(self, scene: Scene) -> None:
        """Show a new scene in a window; the last scene's is closed."""
        from .sim.cameras.window import Window

        self._close_window()
        self._window = Window(scene.world)
        scene.world.frame_period, scene.world.frame_callback = 0.04, self._window.update

    def _show(self, window: Window, action: Action) -> None:
        from .sim.robots.registry import gripper
        from .view.draw.actions import ActionGeometry
        from .view.live import action_markers

        geometry = ActionGeometry(self._primitive, gripper(self._robot))
        window.show(action_markers(action, self.workspace, geometry), action.primitive)

    def _close_window(self) -> None:
        if self._window is not None:
            self._window.close()
            self._window = None

    def _plan(self, options: Info) -> list[TrialSpec]:
        """List the kinds of scene to draw from; their goals are chosen as in an evaluation."""
        unknown = sorted(set(options) - set(OPTIONS))
        if unknown:
            raise UserError(f"no option {unknown[0]!r}; reset knows {', '.join(OPTIONS)}")
        scenes = [options["scene"]] if "scene" in options else self._scenes
        objects = [options["objects"]] if "objects" in options else self._objects
        goal = options.get("goal")
        if goal is not None and not isinstance(goal, int):
            raise UserError(f"goal {goal!r}: it is an index")
        config = EvaluationConfig(
            scenes=tuple(scenes), objects=tuple(objects), trials=2, goal=goal, robot=self._robot
        )
        return plan_trials(config)

    def _action(self, numbers: npt.ArrayLike, seen: Observation) -> Action:
        numbers = np.asarray(numbers)
        if numbers.dtype.kind not in "iu" or not self.action_space.contains(numbers):
            raise UserError(
                f"action {numbers.tolist()}: it is four integers, primitive (0 grasp, 1 push), "
                f"rotation, row and column, below {self._limits}"
            )
        primitive, rotation, row, column = numbers.tolist()
        return seen.action(PRIMITIVES[primitive], rotation, row, column)

    def _rewarded(self, action: Action, turn: StepResult) -> float:
        if self._reward == "sparse":
            return grasp_reward(turn.success)
        if action.primitive == "grasp":
            return alternating_grasp_reward(turn.success, turn.outcome.changed)
        gain = self._grasp_value(turn.after) - self._grasp_value(turn.before)
        rings = [occupancy(o.goal, o.heightmap.height) for o in (turn.before, turn.after)]
        return push_reward(gain, rings[0] - rings[1])

    def _grasp_value(self, seen: Observation) -> float:
        """Return the highest Q_g over the goal; 0 while the goal is hidden."""
        if self._policy is None:
            from .policy.learned import Policy

            self._policy = Policy.from_pretrained(self._source, self._device)
        return self._policy.best_grasp(seen, seen.goal)


def to_arrays(seen: Observation) -> Arrays:
    """Copy an observation into the arrays that the environment returns."""
    return {
        "color": seen.heightmap.color.copy(),
        "height": np.nan_to_num(seen.heightmap.height, nan=0.0),
        "seen": seen.heightmap.seen.astype(np.int8),
        "objects": seen.objects.astype(np.int8),
        "goal": seen.goal.astype(np.int8),
        "labels": seen.labels.copy(),
    }


def to_observation(arrays: Arrays, workspace: Workspace | None = None) -> Observation:
    """Invert `to_arrays`: make what a `Policy` decides from.

    Args:
        arrays: an observation of the environment.
        workspace: the environment's; None: the standard one.
    """
    height = np.where(arrays["seen"] > 0, arrays["height"], np.float32(np.nan))
    return Observation(
        heightmap=Heightmap(arrays["color"], height, workspace or Workspace()),
        labels=arrays["labels"],
        objects=arrays["objects"] > 0,
        goal=arrays["goal"] > 0,
    )


def to_numbers(action: Action) -> npt.NDArray[np.int64]:
    """(4,) an action as the environment takes it: primitive, rotation, row, column."""
    return np.array([PRIMITIVES.index(action.primitive), action.rotation, *action.pixel], np.int64)


def _observation_space(workspace: Workspace) -> Dict:
    shape, mask = workspace.shape, MultiBinary(workspace.shape)
    return Dict(
        color=Box(0, 255, (*shape, 3), np.uint8),
        height=Box(0.0, workspace.z_max, shape, np.float32),
        seen=mask,
        objects=mask,
        goal=mask,
        labels=Box(0, shape[0] * shape[1], shape, np.int32),
    )


def _goal(episode: Episode) -> Info:
    """Return the name and the value of the goal's colour, all that the robot is told."""
    rgb = episode.scene.goal_rgb
    return {"goal": color_name(rgb), "goal_rgb": np.array(rgb, np.uint8)}


if ENV_ID not in gym.registry:
    gym.register(ENV_ID, entry_point="pushgrasp.env:RetrieveEnv")
