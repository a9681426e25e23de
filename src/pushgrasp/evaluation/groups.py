"""The groups of a run: which scenes it has, under which names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path, PurePath
from typing import Any

from ..errors import UserError
from ..perception.colors import PALETTE
from ..sim.scenes.goals import choose_goal
from ..sim.scenes.layouts import PROCEDURAL, fixed_names, known_scenes, read_fixed
from ..utils.config_json import from_json
from ..workspace import Workspace
from .config import EvaluationConfig
from .suite import SUITES, Suite, SuiteScene, read_suite


@dataclass(frozen=True)
class SceneGroup:
    """Scenes of one kind: a procedural scene with a number of objects, or a fixed one."""

    name: str  # in the records; the seeds follow from it
    scene: str  # as in SceneConfig.name
    objects: int
    goals: tuple[int, ...]  # numbers of the goals, taken in turn
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)  # m, as in SceneConfig
    meshes: str | None = None  # folder, as in SceneConfig
    perturb: bool = False  # vary a fixed scene with the trial's seed
    family: str = ""  # name of the suite


def scene_groups(config: EvaluationConfig) -> list[SceneGroup]:
    """List the groups of a run, in its order.

    Args:
        config: of the run.
    Raises:
        UserError: no scene, an unknown one, one that cannot be used, or one named twice.
    """
    for i, n in enumerate(config.objects):
        if n in config.objects[:i]:
            raise UserError(f"objects names {n} twice; name each number once")
    groups: list[SceneGroup] = []
    suites = {suite.name: suite for suite in run_suites(config)}
    workspace = config.read_workspace()
    for name in suites if config.suite else config.scenes:
        if name in suites:
            groups += _of_suite(suites[name], config.goal, workspace)
        elif name in PROCEDURAL:
            groups += _procedural(name, config)
        else:
            groups.append(_fixed(SuiteScene(name, config.goal), workspace))
    if not groups:
        raise UserError(f"no scene given; there are: {known_scenes()}")
    folder = Path(config.suite).expanduser().parent if config.suite else None
    return _named_apart(groups, folder)


def planned_group(entry: Mapping[str, Any], goal: int | None) -> SceneGroup:
    """Return a group of a run's settings.json.

    Args:
        entry: of the group.
        goal: of the settings; earlier versions did not keep each group's goals.
    Raises:
        UserError: the scene is gone, or cannot be used any more.
    """
    if "goals" in entry:
        known = {field.name: entry[field.name] for field in fields(SceneGroup)}
        return from_json(SceneGroup, known, f"settings.json: group {entry['name']}")
    config = EvaluationConfig(scenes=(entry["scene"],), objects=(entry["objects"],), goal=goal)
    (group,) = scene_groups(config)
    return replace(group, name=entry["name"])


def run_suites(config: EvaluationConfig) -> list[Suite]:
    """Read the suites of a run.

    Raises:
        UserError: one cannot be used, or does not go with the other settings.
    """
    if config.suite is None:
        return [read_suite(name) for name in config.scenes if name in SUITES]
    if config.scenes != EvaluationConfig.scenes:
        raise UserError("--suite and --scenes are both given; the suite names the scenes")
    if config.goal is not None:
        raise UserError(f"goal {config.goal}: with --suite, the suite names each scene's goal")
    return [read_suite(config.suite)]


def _procedural(scene: str, config: EvaluationConfig) -> list[SceneGroup]:
    """Make a group for each number of objects; the first two dropped are the goals, in turn."""
    if not config.objects:
        raise UserError(f"the scene {scene} needs objects, one or more numbers")
    groups: list[SceneGroup] = []
    for n in config.objects:
        if not 1 <= n <= len(PALETTE):
            raise UserError(f"objects {n}: a scene has 1 to {len(PALETTE)} objects")
        if config.goal is not None and not 0 <= config.goal < n:
            raise UserError(
                f"goal {config.goal}: {scene} has {n} objects, so the goal is 0 to {n - 1}"
            )
        goals = (0, 1)[:n] if config.goal is None else (config.goal,)
        groups.append(SceneGroup(f"{scene}-{n}", scene, n, goals))
    return groups


def _of_suite(suite: Suite, goal: int | None, workspace: Workspace | None) -> list[SceneGroup]:
    """Make a group for each scene; a goal that is given takes precedence over the suite's."""
    scenes = suite.scenes if goal is None else [replace(s, goal=goal) for s in suite.scenes]
    return [replace(_fixed(scene, workspace), family=suite.name) for scene in scenes]


def _fixed(scene: SuiteScene, workspace: Workspace | None) -> SceneGroup:
    """Make the group of a fixed scene; its name is the file's."""
    layout = read_fixed(scene.file, offset=scene.offset, meshes=scene.meshes)
    if workspace is not None:
        layout = layout.moved_to(workspace)
    goal = choose_goal(layout, scene.goal, scene.file)
    name = scene.file if scene.file in fixed_names() else PurePath(scene.file).stem
    return SceneGroup(
        name, scene.file, len(layout.objects), (goal,), scene.offset, scene.meshes, scene.perturb
    )


def _named_apart(groups: Sequence[SceneGroup], folder: Path | None) -> list[SceneGroup]:
    """Put their folders before the names of files of one name, then the goal after them.

    Trials' seeds follow from the names. So folders are those inside the suite's, wherever that is.

    Args:
        groups: named after their files.
        folder: of the suite, if there is one.
    """
    names = [group.name for group in groups]
    fixed = [group.scene not in PROCEDURAL for group in groups]
    paths = [_inside(folder, group.scene).with_suffix("").parts for group in groups]
    for depth in range(2, max(map(len, paths), default=0) + 1):
        files = dict(zip(names, paths, strict=True))
        of_several_files = {
            name for name, path in zip(names, paths, strict=True) if path != files[name]
        }
        for i, path in enumerate(paths):
            if fixed[i] and names[i] in of_several_files:
                names[i] = "/".join(path[-depth:]).replace("//", "/")
    same = _repeated(names)
    for i, group in enumerate(groups):
        if fixed[i] and names[i] in same:
            names[i] += f"-goal-{group.goals[0]}"
    for name in _repeated(names):
        scene = groups[names.index(name)].scene
        raise UserError(f"the scene {scene} is named twice; name each scene once")
    return [replace(group, name=name) for group, name in zip(groups, names, strict=True)]


def _inside(folder: Path | None, scene: str) -> PurePath:
    """Return a scene's path as its suite gives it."""
    path = PurePath(scene)
    return path.relative_to(folder) if folder and path.is_relative_to(folder) else path


def _repeated(names: Sequence[str]) -> set[str]:
    return {name for name, count in Counter(names).items() if count > 1}
