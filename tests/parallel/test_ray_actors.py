"""The pool with actors on a local Ray cluster: results, deaths, the shared file, Ctrl-C."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ray = pytest.importorskip("ray")

import pool_jobs  # noqa: E402
from interrupts import start_group, wait_until  # noqa: E402
from painted import TINY  # noqa: E402
from pool_jobs import Setup  # noqa: E402
from test_pool import Jobs, check_results, gather  # noqa: E402

from pushgrasp.errors import UserError  # noqa: E402
from pushgrasp.evaluation.config import EvaluationConfig  # noqa: E402
from pushgrasp.evaluation.results import read_trials  # noqa: E402
from pushgrasp.evaluation.runner import evaluate  # noqa: E402
from pushgrasp.parallel import pool as pool_module  # noqa: E402
from pushgrasp.parallel.pool import Pool, WorkersLostError  # noqa: E402
from pushgrasp.parallel.ray_cluster import cluster  # noqa: E402
from pushgrasp.parallel.worker import one_result  # noqa: E402
from pushgrasp.policy.learned import Policy  # noqa: E402
from pushgrasp.training.config import TrainingConfig  # noqa: E402
from pushgrasp.training.recipes import StageConfig  # noqa: E402
from pushgrasp.training.replay_buffer import ACTION, Replay, pack_observation  # noqa: E402
from pushgrasp.training.train import train  # noqa: E402
from pushgrasp.workspace import Workspace  # noqa: E402


@pytest.fixture(scope="module")
def two_cpus() -> Iterator[None]:
    """One cluster for several tests; its processes can import `pool_jobs`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_ADDRESS", raising=False)
        old = os.environ.get("PYTHONPATH", "")
        patch.setenv(
            "PYTHONPATH", os.pathsep.join(filter(None, (str(Path(__file__).parents[1]), old)))
        )
        with cluster(2):
            yield


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    (tmp_path / "weights").write_text("first")
    return Setup(tmp_path / "weights", tmp_path)


# --- jobs with many results, as in training ----------------------------------------------


@pytest.mark.usefixtures("two_cpus")
def test_a_killed_worker_is_replaced_and_results_are_neither_lost_nor_doubled(setup: Setup) -> None:
    with Pool("ray", 2, backlog=2) as pool:
        pool.start(pool_jobs.count_to_ten, setup, shared="weights")
        jobs = Jobs()
        got = gather(pool, jobs, 40)
        victim, step = got[-1]
        assert step.weights == "first"
        os.kill(step.pid, signal.SIGKILL)
        n_before = len(got)
        setup.weights.write_text("second")
        wait_until(lambda: got.extend(gather(pool, jobs, 1)) or pool.deaths)
        wait_until(
            lambda: (
                got.extend(gather(pool, jobs, 1))
                or len({worker for worker, _ in got[n_before:]} - {victim}) == 2
            )
        )
        got += gather(pool, jobs, 60)
        assert pool.deaths == 1
    check_results(got, most_cut_short=2 + 1)  # in progress at the end, and the dead worker's
    # The file that the parent has rewritten reaches the old worker and the new one.
    last = {worker: step.weights for worker, step in got}
    assert [weights for worker, weights in last.items() if worker != victim] == ["second"] * 2


@pytest.mark.usefixtures("two_cpus")
def test_cancelled_jobs_give_no_more_results(setup: Setup) -> None:
    with Pool("ray", 1, backlog=2) as pool:
        pool.start(pool_jobs.count_to_ten, setup, shared="weights")
        gather(pool, Jobs("old"), 5)
        pool.cancel()
        tags = [step.job[0] for _, step in gather(pool, Jobs("new"), 30)]
    assert tags == ["new"] * len(tags)


@pytest.mark.usefixtures("two_cpus")
def test_workers_that_keep_dying_are_reported(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "MAX_DEATHS", 2)
    with Pool("ray", 1, backlog=2) as pool:
        pool.start(pool_jobs.never_start, setup)
        with pytest.raises(WorkersLostError, match="died 2 times in a row"):
            gather(pool, Jobs(), 1)


@pytest.mark.usefixtures("two_cpus")
def test_the_replay_keeps_what_ray_delivers_read_only(tmp_path: Path) -> None:
    empty = np.zeros((4, 4))
    state = ray.get(ray.put(pack_observation(empty, empty.astype(int), empty > 0)))
    action = ray.get(ray.put(np.ones((), ACTION)))
    assert not state.flags.writeable
    replay = Replay(tmp_path, (4, 4), color=False)
    replay.append(state, action)
    assert replay.actions["row"][0] == 1


@pytest.mark.slow
@pytest.mark.usefixtures("two_cpus")
def test_training_on_ray_in_the_simulator(tmp_path: Path) -> None:
    """A few simulated actions by two workers, which read weights sent by this machine."""
    recipe = dataclasses.replace(
        TINY,
        stages=(
            StageConfig("grasp-any", n_objects=(4,), n_samples=5, epsilon=(0.5, 0.5)),
            StageConfig("grasp-goal", n_objects=(5,), n_samples=4, epsilon=(0.5, 0.5)),
        ),
        batch_size=2,
    )
    folder = train(recipe, tmp_path / "run", TrainingConfig(workers=2, seed=3, rollouts="ray"))
    assert Policy.from_pretrained(folder).metadata["samples"] == [
        ["grasp-any", 5],
        ["grasp-goal", 4],
    ]
    replay = Replay(tmp_path / "run" / "replay", Workspace().shape, color=False)
    assert len(replay) == 9
    assert np.isfinite(replay.actions["q"]).any()  # chosen by the networks
    assert ray.is_initialized()  # as it was before


# --- jobs with one result, as in evaluation ----------------------------------------------


@pytest.mark.usefixtures("two_cpus")
def test_every_job_is_done_once() -> None:
    with Pool("ray", attempts=3) as pool:
        assert pool.n == 2
        pool.start(partial(one_result, pool_jobs.square), None)
        assert sorted(pool.run(range(7))) == [i * i for i in range(7)]
    assert ray.is_initialized()  # as it was before


@pytest.mark.slow
@pytest.mark.usefixtures("two_cpus")
def test_a_job_whose_worker_dies_is_retried(
    setup: Setup, capfd: pytest.CaptureFixture[str]
) -> None:
    with Pool("ray", 1, attempts=2, describe=lambda job: f"job {job}") as pool:
        pool.start(pool_jobs.die_once, setup)
        assert sorted(pool.run(range(3))) == [0, 1, 2]
    assert "job 1: its worker died" in capfd.readouterr().err
    with Pool("ray", 1, attempts=2) as pool:
        pool.start(pool_jobs.die_always, None)
        with pytest.raises(WorkersLostError, match=r"(?s)0: .*2 times in a row"):
            list(pool.run(range(1)))


@pytest.mark.usefixtures("two_cpus")
def test_an_error_in_a_job_is_raised() -> None:
    with Pool("ray", 1, attempts=3) as pool:
        pool.start(pool_jobs.refuse, None)
        with pytest.raises(UserError, match="no such thing"):
            list(pool.run(range(3)))


@pytest.mark.slow
@pytest.mark.usefixtures("two_cpus")
def test_an_evaluation_is_the_same_on_ray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the folder of relative paths
    Path("own.py").write_text(
        "class Middle:\n"
        "    def act(self, seen):\n"
        "        rows, columns = seen.objects.nonzero()\n"
        "        return seen.action('grasp', 0, int(rows[0]), int(columns[0]))\n"
    )
    config = EvaluationConfig(
        policies=("own.py:Middle",), scenes=("random",), objects=(3,), trials=2, seed=1
    )
    evaluate(config, workers=1, out="1")
    evaluate(config, workers="ray", out="ray")

    def played(folder: str) -> list[tuple[Any, ...]]:
        records = sorted(read_trials(folder)[0], key=lambda r: r.index)
        return [
            (r.policy, r.index, r.seed, r.reason, [s.position for s in r.steps]) for r in records
        ]

    assert len(played("ray")) == 2
    assert played("ray") == played("1")


# --- the cluster -------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.usefixtures("two_cpus")
@pytest.mark.parametrize("found", [False, True])
def test_ctrl_c_ends_what_was_started_and_nothing_else(tmp_path: Path, found: bool) -> None:
    """On the terminal, all processes of the group get the signal."""
    script = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        import pool_jobs, ray
        from pushgrasp.parallel.pool import Pool
        folder = Path(sys.argv[1])
        (folder / "weights").touch()
        with Pool("ray", 1) as pool:
            pool.start(pool_jobs.count_to_ten, pool_jobs.Setup(folder / "weights", folder))
            arrived = []
            while not arrived:
                pool.assign(lambda: 0)
                arrived = pool.receive(1.0)
            print(ray.nodes()[0]["RayletSocketName"], arrived[0][1].pid, flush=True)
            time.sleep(600)
        """
    )
    address = {"RAY_ADDRESS": ray.get_runtime_context().gcs_address} if found else {}
    learner = start_group(
        [sys.executable, "-c", script, str(tmp_path)], env=dict(os.environ) | address,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert learner.stdout is not None
    line = learner.stdout.readline()
    assert line, learner.communicate()[1]
    socket, pid = line.split()
    session = socket.split("/sockets")[0]
    assert Path(f"/proc/{pid}").exists()
    assert processes_with(session)
    assert (socket == ray.nodes()[0]["RayletSocketName"]) == found
    os.killpg(learner.pid, signal.SIGINT)
    _, errors = learner.communicate(timeout=120)
    assert errors.strip().endswith("KeyboardInterrupt")
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), patience=30.0)
    if found:
        assert processes_with(session)
    else:
        wait_until(lambda: not processes_with(session), patience=30.0)


def processes_with(session: str) -> list[str]:
    """Return the command lines that name a cluster's session folder."""
    found: list[str] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if session in line:
            found.append(line)
    return found


def test_a_cluster_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise ConnectionError("Failed to connect")

    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.5:6379")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", refuse)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    with pytest.raises(UserError, match=r"RAY_ADDRESS=10.0.0.5:6379 names no Ray"), Pool("ray", 1):
        pass


def test_without_ray_the_command_to_install_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "pushgrasp.parallel.ray_cluster")
    with pytest.raises(UserError, match=r"pip install '\.\[ray\]'"):
        train(TINY, tmp_path / "run", TrainingConfig(rollouts="ray"))
    assert not (tmp_path / "run").exists()
