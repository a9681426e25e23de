"""Recorded trials become datasets that other programs can read."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from commands import run
from drawn_scenes import PILE, draw
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pushgrasp.errors import UserError
from pushgrasp.evaluation.records import TrialRecord
from pushgrasp.evaluation.results import read_trials
from pushgrasp.export.episodes import ACTION_NAMES, OUTCOME_NAMES, ExportedEpisode, ExportedStep
from pushgrasp.export.statistics import Statistics
from pushgrasp.perception.colors import parse_color
from pushgrasp.retrieve import End
from pushgrasp.utils import optional

ROOT = Path(__file__).parents[2]
SEEN = draw(PILE)
HEIGHT = SEEN.heightmap.height.copy()
HEIGHT[:5] = np.nan


def episode(n_steps: int, *, success: bool, index: int = 0) -> ExportedEpisode:
    """Make an episode of small pictures, the same in every run."""
    rng = np.random.default_rng(index)
    record = TrialRecord(
        policy="default", scene="random", group="random-3", index=index, seed=index,
        goal="object_00", end=End.GOAL_IN_HAND if success else End.NO_CHANGE,
        visible_fraction=1.0, success=success, claimed_success=success, reason="", pushes=0,
        grasps=n_steps, good_grasps=n_steps, faults=(), play_faults=0, decision_s=None, wall_s=1.0,
        robot_s=1.0,
    )  # fmt: skip
    steps = [
        ExportedStep(
            image=rng.integers(0, 255, (6, 8, 3), np.uint8),
            depth=rng.random((6, 8), np.float32),
            color=SEEN.heightmap.color,
            height=HEIGHT,
            objects=SEEN.objects,
            goal=SEEN.goal,
            action=rng.random(len(ACTION_NAMES), np.float32),
            outcome=np.array([True, False, True, False]),
        )
        for _ in range(n_steps)
    ]
    return ExportedEpisode(record, parse_color("red"), 0.002, steps, success)


EPISODES = [episode(2, success=True), episode(3, success=False, index=1)]


def test_an_hdf5_file_holds_every_step(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    from pushgrasp.export.hdf5 import write_hdf5

    assert write_hdf5(tmp_path / "a.hdf5", EPISODES) == 5
    with h5py.File(tmp_path / "a.hdf5") as file:
        assert file["data"].attrs["total"] == 5
        for number, made in enumerate(EPISODES):
            demo = file[f"data/demo_{number}"]
            assert demo.attrs["num_samples"] == len(made.steps)
            np.testing.assert_array_equal(demo["actions"], [s.action for s in made.steps])
            np.testing.assert_array_equal(demo["obs/image"], [s.image for s in made.steps])
            assert list(demo["actions"].attrs["names"]) == list(ACTION_NAMES)
            assert np.isnan(demo["obs/height"]).any(), "unseen stays unseen"
        assert list(file["data/demo_0/rewards"]) == [0, 1]
        assert list(file["data/demo_1/rewards"]) == [0, 0, 0]


def test_a_failure_leaves_no_hdf5_file(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    from pushgrasp.export.hdf5 import write_hdf5

    with pytest.raises(ValueError, match="at least one"):  # an episode without steps
        write_hdf5(tmp_path / "a.hdf5", [EPISODES[0], episode(0, success=False)])
    assert list(tmp_path.iterdir()) == []


def test_a_lerobot_dataset_has_the_documented_layout(tmp_path: Path) -> None:
    """https://huggingface.co/docs/lerobot/lerobot-dataset-v3."""
    parquet = pytest.importorskip("pyarrow.parquet")
    from pushgrasp.export.lerobot import write_lerobot

    assert write_lerobot(tmp_path, EPISODES, "gantry") == 5
    info = json.loads((tmp_path / "meta/info.json").read_text())
    assert (info["codebase_version"], info["total_episodes"], info["total_frames"]) == (
        "v3.0",
        2,
        5,
    )
    rows = parquet.read_table(
        tmp_path / info["data_path"].format(chunk_index=0, file_index=0)
    ).to_pylist()
    assert set(rows[0]) == set(info["features"])
    assert [row["index"] for row in rows] == list(range(5))
    assert [row["frame_index"] for row in rows] == [0, 1, 0, 1, 2]
    assert [row["next.reward"] for row in rows] == [0, 1, 0, 0, 0]
    for name, feature in info["features"].items():
        if feature["dtype"] == "image":
            picture = np.array(Image.open(io.BytesIO(rows[0][name]["bytes"])))
            assert list(picture.shape) == feature["shape"]
        elif feature["shape"] != [1]:
            assert list(np.shape(rows[0][name])) == feature["shape"]
    episodes = parquet.read_table(tmp_path / "meta/episodes/chunk-000/file-000.parquet").to_pylist()
    assert [(e["dataset_from_index"], e["dataset_to_index"]) for e in episodes] == [(0, 2), (2, 5)]
    tasks = parquet.read_table(tmp_path / "meta/tasks.parquet").to_pylist()
    assert tasks == [{"task_index": 0, "task": "Retrieve the red object from the pile."}]
    stats = json.loads((tmp_path / "meta/stats.json").read_text())
    assert np.shape(stats["observation.images.top"]["mean"]) == (3, 1, 1)
    assert len(stats["action"]["std"]) == len(ACTION_NAMES)


def test_unseen_heights_are_numbers_and_marked_in_the_masks(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    from pushgrasp.export.lerobot import columns, masks

    assert np.isfinite(columns(EPISODES[0])["observation.height"]).all()
    step = EPISODES[0].steps[0]
    np.testing.assert_array_equal(masks(step)[..., 0] == 255, np.isfinite(step.height))
    np.testing.assert_array_equal(masks(step)[..., 2] == 255, step.goal)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(0, 1000))
def test_statistics_do_not_depend_on_how_rows_are_split(sizes: list[int], seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=(sum(sizes), 3))
    parts, whole = Statistics(), Statistics()
    whole.add("x", values)
    for part in np.split(values, np.cumsum(sizes)[:-1]):
        parts.add("x", part)
    for name, value in parts.result()["x"].items():
        np.testing.assert_allclose(value, whole.result()["x"][name], atol=1e-12)
    np.testing.assert_allclose(whole.result()["x"]["std"], values.std(0), atol=1e-9)


def test_images_have_statistics_per_channel() -> None:
    statistics = Statistics()
    statistics.add("x", np.ones((2, 3, 4, 5)) * np.array([0, 0.5, 1])[:, None, None], image=True)
    assert statistics.result()["x"]["mean"] == [[[0.0]], [[0.5]], [[1.0]]]
    assert statistics.result()["x"]["count"] == [2]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--format", "hdf5", "--out", "a.txt"], ".hdf5"),
        (["--out", "new", "--limit", "0"], "--limit 0"),
        (["--out", "new", "--policy", "nobody"], "nobody"),
        (["--out", "."], "--out"),
    ],
)
def test_bad_options_are_refused_before_any_work(
    options: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(optional, "need", lambda module, extra: None)
    code, _, err = run(capsys, "export", str(ROOT / "results" / "random"), *options)
    assert code == 2
    assert words in err
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_answered_with_the_extra() -> None:
    with pytest.raises(UserError, match=r"no_such_package.*pip install '\.\[export\]'"):
        optional.need("no_such_package.part", "export")


@pytest.mark.slow
def test_a_recorded_trial_is_exported_as_it_was_played(tmp_path: Path, capsys) -> None:
    h5py = pytest.importorskip("h5py")
    results = ROOT / "results" / "random"
    code, _, err = run(
        capsys, "export", str(results), "--policy", "default", "--limit", "1",
        "--format", "hdf5", "--out", str(tmp_path / "a.hdf5"),
    )  # fmt: skip
    assert code == 0, err
    with h5py.File(tmp_path / "a.hdf5") as file:
        demo = file["data/demo_0"]
        records, _ = read_trials(results)
        (record,) = (
            r
            for r in records
            if (r.policy, r.group, r.index)
            == tuple(demo.attrs[name] for name in ("policy", "group", "index"))
        )
        assert demo["outcomes"].shape == (len(record.steps), len(OUTCOME_NAMES))
        for action, step in zip(demo["actions"], record.steps, strict=True):
            np.testing.assert_allclose(action[4:7], np.array(step.position), atol=1e-3)


def test_lerobot_loads_the_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Needs Python 3.12 and LeRobot, which this package does not install."""
    pytest.importorskip("lerobot")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from lerobot.datasets.lerobot_dataset import (  # pyright: ignore[reportMissingImports]
        LeRobotDataset,
    )

    from pushgrasp.export.lerobot import write_lerobot

    write_lerobot(tmp_path, EPISODES, "gantry")
    dataset = LeRobotDataset("local/pushgrasp", root=tmp_path)
    assert (len(dataset), dataset.num_episodes) == (5, 2)
    np.testing.assert_array_equal(dataset[2]["action"], EPISODES[1].steps[0].action)
    assert tuple(dataset[0]["observation.images.top"].shape) == (3, 224, 224)
