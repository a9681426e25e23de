"""The replay: counted records are complete, whatever happens to the writer."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgrasp.errors import UserError
from pushgrasp.training import replay_buffer as replay_module
from pushgrasp.training.replay_buffer import ACTION, Replay, pack_observation, unpack_target

SHAPE = (12, 9)


def observation(number: int, shape: tuple[int, int] = SHAPE, color: bool = False):
    rng = np.random.default_rng(number)
    height = rng.uniform(0, 0.2, shape)
    height[0] = np.nan
    rgb = rng.integers(0, 256, (*shape, 3), dtype=np.uint8) if color else None
    return pack_observation(height, rng.integers(0, 9, shape), rng.random(shape) < 0.5, rgb)


def action(number: int, primitive: int = 0):
    record = np.zeros((), ACTION)
    record["scene"], record["primitive"], record["reward"] = number, primitive, number % 2
    return record


def fill(replay: Replay, numbers, **kinds) -> None:
    for number in numbers:
        replay.append(observation(number, replay.shape, replay.color), action(number, **kinds))


@pytest.mark.parametrize("color", [False, True])
def test_records_come_back_after_reopening(tmp_path: Path, color: bool):
    replay = Replay(tmp_path, SHAPE, color)
    fill(replay, range(5))
    replay.commit()
    again = Replay(tmp_path, SHAPE, color)
    assert len(again) == 5
    for number in range(5):
        assert again.actions["scene"][number] == number
        assert again.observations[number].tobytes() == observation(number, color=color).tobytes()


def test_uncommitted_records_are_the_only_loss(tmp_path: Path):
    replay = Replay(tmp_path, SHAPE, False)
    fill(replay, range(3))
    replay.commit()
    fill(replay, range(3, 5))
    again = Replay(tmp_path, SHAPE, False)
    assert list(again.actions["scene"]) == [0, 1, 2]
    fill(again, range(3, 8))
    again.commit()
    assert list(Replay(tmp_path, SHAPE, False).actions["scene"]) == list(range(8))


def test_it_grows_beyond_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(replay_module, "BLOCK", 4)
    replay = Replay(tmp_path, SHAPE, False)
    for number in range(11):
        fill(replay, [number])
        if number % 3 == 0:
            replay.commit()
    replay.commit()
    again = Replay(tmp_path, SHAPE, False)
    assert list(again.actions["scene"]) == list(range(11))
    assert again.observations[10].tobytes() == observation(10).tobytes()


def test_heights_keep_a_tenth_of_a_millimetre_and_the_unseen():
    height = np.random.default_rng(0).uniform(0, 0.25, SHAPE).astype(np.float32)
    height[3, 4] = np.nan
    target = np.random.default_rng(1).random(SHAPE) < 0.3
    record = pack_observation(height, np.full(SHAPE, 300), target)
    np.testing.assert_allclose(record["height"].astype(np.float32), height, atol=1e-4)
    assert np.isnan(record["height"]).sum() == 1
    assert record["labels"].max() == 255
    np.testing.assert_array_equal(unpack_target(record["target"], SHAPE), target)


@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 99))
def test_target_masks_survive_packing(rows: int, columns: int, seed: int):
    mask = np.random.default_rng(seed).random((rows, columns)) < 0.5
    record = pack_observation(np.zeros(mask.shape), np.zeros(mask.shape, int), mask)
    np.testing.assert_array_equal(unpack_target(record["target"], mask.shape), mask)


def test_a_following_state_is_linked_to_the_action_that_led_there(tmp_path: Path):
    replay = Replay(tmp_path, SHAPE, False)
    first = replay.append(observation(0), action(0))
    second = replay.append(observation(1), action(1), previous=first)
    assert list(replay.actions["next"]) == [second, -1]
    replay.commit()
    replay.append(observation(2), action(2), previous=second)
    assert list(Replay(tmp_path, SHAPE, False).actions["next"]) == [second, -1]


def test_draws_are_of_one_primitive_and_follow_td_error(tmp_path: Path):
    replay = Replay(tmp_path, SHAPE, False)
    fill(replay, range(50), primitive=0)
    fill(replay, range(50), primitive=1)
    replay.actions["td_error"][:50] = np.arange(50)
    rng = np.random.default_rng(0)
    drawn = replay.draw(rng, 20_000, "grasp", 2.0)
    assert drawn.max() < 50
    # power(2) has density 2u on [0, 1): the upper half of the ranks gets three quarters.
    assert np.mean(drawn >= 25) == pytest.approx(0.75, abs=0.02)
    uniform = replay.draw(rng, 20_000, "grasp", 0.0)
    assert np.mean(uniform >= 25) == pytest.approx(0.5, abs=0.02)
    assert replay.draw(rng, 100, "push", 2.0).min() >= 50


def test_new_records_have_the_largest_td_error(tmp_path: Path):
    replay = Replay(tmp_path, SHAPE, False)
    fill(replay, range(9))
    replay.actions["td_error"][:] = 5.0
    fill(replay, [9])
    drawn = replay.draw(np.random.default_rng(0), 3000, "grasp", 3.0)
    assert np.bincount(drawn, minlength=10).argmax() == 9


def test_drawing_from_nothing_is_an_error(tmp_path: Path):
    with pytest.raises(ValueError, match="no push"):
        Replay(tmp_path, SHAPE, False).draw(np.random.default_rng(0), 1, "push", 0.0)


def test_another_layout_is_refused(tmp_path: Path):
    replay = Replay(tmp_path, SHAPE, False)
    fill(replay, range(2))
    replay.commit()
    with pytest.raises(UserError, match="another kind of replay"):
        Replay(tmp_path, SHAPE, True)


def test_a_shortened_file_is_refused(tmp_path: Path):
    replay = Replay(tmp_path, SHAPE, False)
    fill(replay, range(2))
    replay.commit()
    os.truncate(tmp_path / "observations.bin", 10)
    with pytest.raises(UserError, match="cut short: it holds 0 of 2"):
        Replay(tmp_path, SHAPE, False)


def test_a_full_disk_leaves_the_replay_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(replay_module, "BLOCK", 2)
    replay = Replay(tmp_path, SHAPE, False)
    fill(replay, range(2))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space"):
        fill(replay, [2])
    replay.commit()
    assert list(replay.actions["scene"]) == [0, 1]
    monkeypatch.undo()
    assert len(Replay(tmp_path, SHAPE, False)) == 2


def test_the_space_that_the_disk_lacks_is_computed(tmp_path: Path):
    replay = Replay(tmp_path, SHAPE, False)
    assert replay.missing_space(10) == 0
    assert replay.missing_space(10**15) > 0


def test_it_survives_being_killed_while_writing(tmp_path: Path):
    """SIGKILL at an arbitrary moment of a writer that commits every third record."""
    writer = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        sys.path[:0] = [sys.argv[2], sys.argv[2] + "/.."]
        from test_replay_buffer import *
        replay = Replay(Path(sys.argv[1]), (64, 64), False)
        print("ready", flush=True)
        number = len(replay)
        while True:
            fill(replay, [number])
            number += 1
            if number % 3 == 0:
                replay.commit()
                print(number, flush=True)
        """
    )
    said = 0
    for _ in range(2):  # killed, resumed, killed again
        process = subprocess.Popen(
            [sys.executable, "-c", writer, str(tmp_path), str(Path(__file__).parents[0])],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for _ in range(150):
            said = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        for line in process.stdout:
            said = int(line) if line.endswith("\n") else said
        process.wait()
        process.stdout.close()
        replay = Replay(tmp_path, (64, 64), False)
        assert len(replay) >= said
        np.testing.assert_array_equal(replay.actions["scene"], np.arange(len(replay)))
        for number in range(0, len(replay), 7):
            expected = observation(number, (64, 64)).tobytes()
            assert replay.observations[number].tobytes() == expected
