"""The same workers as actors on a real local Ray: order, weights, stages and deaths."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

ray = pytest.importorskip("ray")

from ray_players import SHAPE, Published, counting, dying, failing  # noqa: E402
from test_rollout import TINY  # noqa: E402
from test_workers import Orders  # noqa: E402

from pushgrasp.errors import UserError  # noqa: E402
from pushgrasp.parallel import ray_workers  # noqa: E402
from pushgrasp.parallel.ray_cluster import cluster  # noqa: E402
from pushgrasp.parallel.ray_workers import RayPlayer, RayWorkers  # noqa: E402
from pushgrasp.parallel.workers import Order, Sample  # noqa: E402
from pushgrasp.policy.learned import Policy  # noqa: E402
from pushgrasp.training.recipes import StageConfig  # noqa: E402
from pushgrasp.training.replay_buffer import Replay  # noqa: E402
from pushgrasp.training.train import train  # noqa: E402
from pushgrasp.workspace import Workspace  # noqa: E402


@pytest.fixture(scope="module")
def two_cpus() -> Iterator[None]:
    """One cluster for several tests; its processes can import `ray_players`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_ADDRESS", raising=False)
        old = os.environ.get("PYTHONPATH", "")
        patch.setenv(
            "PYTHONPATH", os.pathsep.join(filter(None, (str(Path(__file__).parents[1]), old)))
        )
        with cluster(2):
            yield


def gather(workers: RayWorkers, orders: Orders, n: int) -> list[tuple[int, Sample]]:
    got: list[tuple[int, Sample]] = []
    end = time.monotonic() + 120
    while len(got) < n and time.monotonic() < end:
        workers.feed(orders)
        got += [(w, m) for w, m in workers.receive(0.2) if isinstance(m, Sample)]
    return got


def setup_in(directory: Path) -> Published:
    return Published(directory / "weights")


@pytest.mark.usefixtures("two_cpus")
def test_a_killed_worker_is_replaced_and_samples_are_neither_lost_nor_doubled(tmp_path: Path):
    setup = setup_in(tmp_path)
    with RayWorkers(2, counting, setup) as workers:
        orders = Orders()
        got = gather(workers, orders, 40)
        assert len({worker for worker, _ in got}) <= 2
        victim, sample = got[-1]
        os.kill(int(sample.seconds["pid"]), signal.SIGKILL)
        n_before = len(got)
        setup.weights.write_bytes(b"7")
        while workers.deaths == 0 or len({worker for worker, _ in got[n_before:]} - {victim}) < 2:
            got += gather(workers, orders, 1)
            assert len(got) < 10_000  # minutes
        got += gather(workers, orders, 60)
    assert workers.deaths == 1
    keys = [(int(s.action["scene"]), int(s.action["row"])) for _, s in got]
    assert len(set(keys)) == len(keys)
    # Every scene's samples come in order without a gap, from one worker.
    scenes: dict[int, list[tuple[int, int]]] = {}
    for worker, sample in got:
        scenes.setdefault(int(sample.action["scene"]), []).append(
            (worker, int(sample.action["row"]))
        )
    for steps in scenes.values():
        assert len({worker for worker, _ in steps}) == 1
        assert [row for _, row in steps] == list(range(len(steps)))
    cut_short = [steps[0][0] for steps in scenes.values() if len(steps) < 10]
    assert len(cut_short) == len(set(cut_short)) <= 3  # the killed one's, and those going on
    # Weights that were published meanwhile reach the old worker and the new one.
    last = {worker: sample.seconds["weights"] for worker, sample in got}
    assert [weights for worker, weights in last.items() if worker != victim] == [7.0, 7.0]
    # The learner keeps what Ray gave it, though it cannot be written to.
    replay = Replay(tmp_path / "replay", SHAPE, color=False)
    assert not got[-1][1].observation.flags.writeable
    replay.append(got[-1][1].observation, got[-1][1].action)
    assert replay.actions["row"][0] == got[-1][1].action["row"]


@pytest.mark.usefixtures("two_cpus")
def test_a_new_stage_makes_workers_drop_the_old_one(tmp_path: Path):
    with RayWorkers(1, counting, setup_in(tmp_path)) as workers:
        gather(workers, Orders(0), 5)
        workers.change_stage()
        stages = [int(s.action["stage"]) for _, s in gather(workers, Orders(1), 80)]
    assert stages == sorted(stages)
    assert stages[-1] == 1
    assert stages.count(0) <= 10 + ray_workers.OUTBOX  # no scene of it was begun afterwards


@pytest.mark.usefixtures("two_cpus")
def test_workers_that_keep_dying_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ray_workers, "MAX_DEATHS", 2)
    with (
        RayWorkers(1, dying, setup_in(tmp_path)) as workers,
        pytest.raises(RuntimeError, match="died 2 times one after another"),
    ):
        for _ in range(20):
            workers.receive(5.0)


def test_what_was_played_before_an_error_is_handed_over_first(tmp_path: Path):
    """The actor's own code, without Ray."""
    player = RayPlayer(failing, setup_in(tmp_path))
    got = player.exchange([Order(0, 0, 1.0), Order(0, 1, 1.0)], None)
    with pytest.raises(ZeroDivisionError, match="no legs"):
        for _ in range(5):
            got += player.exchange([], None)
    assert len(got) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("two_cpus")
def test_training_on_ray_in_the_simulator(tmp_path: Path):
    """A few real actions by two real workers, which read weights that this machine sent them."""
    recipe = dataclasses.replace(
        TINY,
        stages=(
            StageConfig("grasp-any", n_objects=(4,), n_samples=5, epsilon=(0.5, 0.5)),
            StageConfig("grasp-goal", n_objects=(5,), n_samples=4, epsilon=(0.5, 0.5)),
        ),
        batch_size=2,
    )
    folder = train(recipe, tmp_path / "run", workers=2, seed=3, rollouts="ray")
    assert Policy.from_pretrained(folder).metadata["samples"] == [
        ["grasp-any", 5],
        ["grasp-goal", 4],
    ]
    replay = Replay(tmp_path / "run" / "replay", Workspace().shape, color=False)
    assert len(replay) == 9
    assert np.isfinite(replay.actions["q"]).any()  # chosen by the networks
    assert ray.is_initialized()  # it was there before


@pytest.mark.slow
@pytest.mark.usefixtures("two_cpus")
@pytest.mark.parametrize("found", [False, True])
def test_ctrl_c_ends_what_was_started_and_nothing_else(tmp_path: Path, found: bool):
    """Pressed on the terminal: all processes of the group get it."""
    script = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        import ray
        from ray_players import Order, Published, counting
        from pushgrasp.parallel.ray_cluster import cluster
        from pushgrasp.parallel.ray_workers import RayWorkers
        with cluster(1), RayWorkers(1, counting, Published(Path(sys.argv[1]))) as workers:
            arrived = []
            while not arrived:
                workers.feed(lambda: Order(0, 0, 1.0))
                arrived = workers.receive(1.0)
            print(ray.nodes()[0]["RayletSocketName"], int(arrived[0][1].seconds["pid"]), flush=True)
            time.sleep(600)
        """
    )
    address = {"RAY_ADDRESS": ray.get_runtime_context().gcs_address} if found else {}
    learner = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "weights")], env=dict(os.environ) | address,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert learner.stdout is not None
    line = learner.stdout.readline()
    assert line, learner.communicate()[1]
    socket, pid = line.split()
    session = socket.split("/sockets")[0]
    assert Path(f"/proc/{pid}").exists()
    assert processes_of(session)
    assert (socket == ray.nodes()[0]["RayletSocketName"]) == found
    os.killpg(learner.pid, signal.SIGINT)
    _, errors = learner.communicate(timeout=120)
    assert errors.strip().endswith("KeyboardInterrupt")
    end = time.monotonic() + 30
    while time.monotonic() < end and (
        Path(f"/proc/{pid}").exists() or (not found and processes_of(session))
    ):
        time.sleep(0.1)
    assert not Path(f"/proc/{pid}").exists()
    assert bool(processes_of(session)) == found


def processes_of(session: str) -> list[str]:
    """Command lines that name a cluster's session folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if session in line:
            found.append(line)
    return found


def test_a_cluster_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch):
    def refuse(**_: object) -> None:
        raise ConnectionError("Failed to connect")

    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.5:6379")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", refuse)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    with pytest.raises(UserError, match=r"RAY_ADDRESS=10.0.0.5:6379 names no Ray"), cluster(1):
        pass


def test_without_ray_the_command_to_install_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "pushgrasp.parallel.ray_cluster")
    with pytest.raises(UserError, match=r"pip install 'pushgrasp\[ray\]'"):
        train(TINY, tmp_path / "run", rollouts="ray")
    assert not (tmp_path / "run").exists()
