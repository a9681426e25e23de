"""How a person tells the goal on the command line, and chooses what finds it."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from commands import run

from pushgrasp.cli.goal import GoalConfig
from pushgrasp.errors import UserError
from pushgrasp.interfaces import RGBDFrame
from pushgrasp.perception.perceive import Perception
from pushgrasp.sim.scenes.build import SceneConfig, build_scene

CUBES = [
    {"shape": "cube", "color": "red", "position": [-0.55, 0.06, 0.025]},
    {"shape": "cube", "color": "blue", "position": [-0.45, -0.06, 0.025]},
]


@pytest.fixture(scope="module")
def cubes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scene") / "cubes.json"
    path.write_text(json.dumps({"objects": CUBES}))
    return path


@pytest.fixture(scope="module")
def frame(cubes: Path) -> RGBDFrame:
    (camera,) = build_scene(SceneConfig(str(cubes))).make_cameras()
    return camera.capture()


@pytest.fixture(scope="module")
def blue(frame: RGBDFrame) -> np.ndarray:
    """(H, W) where the blue cube is in the picture."""
    r, _, b = (frame.color[..., i].astype(int) for i in range(3))
    return b - r > 60


def box_of(mask: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(mask)
    return rows.min(), columns.min(), int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def test_every_way_of_telling_finds_the_blue_cube(
    tmp_path: Path, frame: RGBDFrame, blue: np.ndarray
) -> None:
    photo, cut_out, mask = (str(tmp_path / f"{name}.png") for name in ("photo", "cut", "mask"))
    bgr = frame.color[..., ::-1]
    cv2.imwrite(photo, bgr)
    cv2.imwrite(cut_out, np.dstack([bgr, 255 * blue.astype(np.uint8)]))
    cv2.imwrite(mask, 255 * blue.astype(np.uint8))
    box = box_of(blue)
    ways = [
        (GoalConfig(), cut_out, None),
        (GoalConfig(goal_region=box), photo, None),
        (GoalConfig(goal_region=box), "1", "1"),
        (GoalConfig(goal_mask=Path(mask)), "blue", "blue"),
        (GoalConfig(table_color="#3a3f4a"), "blue", "blue"),
    ]
    for config, goal, names_object in ways:
        told, rest = config.told_goal(goal)
        assert rest == names_object
        assert told is not None
        seen = Perception(told).look(frame)
        rows, columns = np.nonzero(seen.goal)
        assert len(rows) > 300, config
        x, y = seen.heightmap.workspace.to_xy(rows.mean(), columns.mean())
        assert (x, y) == pytest.approx((-0.45, -0.06), abs=0.012), config
    assert GoalConfig().told_goal("blue") == (None, "blue")  # the object's own colour
    assert GoalConfig().told_goal(None) == (None, None)
    told, _ = GoalConfig(goal_name="a mug", segmenter="mine.py:Words").told_goal("0")
    assert told is not None
    assert told.name == "a mug"


@pytest.mark.parametrize(
    ("config", "goal", "sentence"),
    [
        (GoalConfig(goal_mask=Path("m.png")), "g.png", "by a picture and by a mask"),
        (GoalConfig(goal_mask=Path("m.png"), goal_region=(0, 0, 9, 9)), None, "mask and by a reg"),
        (GoalConfig(goal_name="mug", table_color="red"), "red", "by a name and by a colour"),
        (GoalConfig(goal_name=" "), None, "--goal-name is empty"),
        (GoalConfig(goal_name="mug"), None, "'mug' is given by words alone"),
        (GoalConfig(), "gone.png", "gone.png: No such file"),
        (GoalConfig(), "gone.tiff", "gone.tiff: No such file"),
        (GoalConfig(goal_mask=Path("gone.png")), None, "gone.png: No such file"),
        (GoalConfig(table_color="red"), "3", "--table-color goes with a colour as --goal"),
        (GoalConfig(table_color="reddish"), "red", "unknown colour 'reddish'"),
    ],
)
def test_what_cannot_be_meant_is_a_sentence(
    config: GoalConfig, goal: str | None, sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        config.told_goal(goal)


def test_a_photo_without_a_region_is_refused(tmp_path: Path, frame: RGBDFrame) -> None:
    photo = str(tmp_path / "photo.png")
    cv2.imwrite(photo, frame.color)
    with pytest.raises(UserError, match="no transparency: which part of it is the goal"):
        GoalConfig().told_goal(photo)
    with pytest.raises(UserError, match="does not lie in a picture of 480 x 640"):
        GoalConfig(goal_region=(470, 0, 20, 20)).told_goal(photo)


@pytest.mark.slow
def test_a_goal_is_retrieved_by_its_mask_and_a_users_segmenter(
    capsys, tmp_path: Path, cubes: Path, blue: np.ndarray
) -> None:
    cv2.imwrite(str(tmp_path / "mask.png"), 255 * blue.astype(np.uint8))
    (tmp_path / "mine.py").write_text(
        "import numpy as np\n"
        "from pushgrasp.perception.segmenter import Segments\n"
        "class Blue:\n"
        "    def segment(self, frame, goal):\n"
        "        r, b = (frame.color[..., i].astype(int) for i in (0, 2))\n"
        "        return Segments((abs(r - b) > 60).astype(np.int32), b - r > 60)\n"
    )
    argv = ["retrieve", "--scene", str(cubes), "--goal", "blue", "--policy", "default"]
    for i, ways in enumerate((
        ["--goal-mask", str(tmp_path / "mask.png"), "--segmenter", "depth"],
        ["--segmenter", f"{tmp_path / 'mine.py'}:Blue"],
    )):  # fmt: skip
        out = tmp_path / f"out{i}"
        code, text, err = run(capsys, *argv, *ways, "--no-video", "--out", str(out))
        assert code == 0, err
        assert json.loads((out / "episode.json").read_text())["success"], text
    code, _, err = run(capsys, *argv, "--segmenter", "magic", "--out", str(tmp_path / "no"))
    assert code == 2
    assert "no segmenter 'magic'; there are: color, depth" in err
    assert not (tmp_path / "no").exists()
