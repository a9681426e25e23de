"""The same trials on a real local Ray: none lost, none twice, and what kills is told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

ray = pytest.importorskip("ray")

from trial_players import die_always, die_once, play_quickly, record_of, refuse  # noqa: E402

from pushgrasp.errors import UserError  # noqa: E402
from pushgrasp.evaluation.config import EvaluationConfig  # noqa: E402
from pushgrasp.evaluation.plan import plan_trials  # noqa: E402
from pushgrasp.evaluation.records import TrialSpec  # noqa: E402
from pushgrasp.evaluation.results import read_trials  # noqa: E402
from pushgrasp.evaluation.runner import evaluate  # noqa: E402
from pushgrasp.parallel import ray_trials  # noqa: E402
from pushgrasp.parallel.ray_cluster import cluster  # noqa: E402
from pushgrasp.parallel.ray_trials import run_on_ray  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def two_cpus() -> Iterator[None]:
    """One cluster for all tests; its processes can import `trial_players`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_ADDRESS", raising=False)
        old = os.environ.get("PYTHONPATH", "")
        patch.setenv(
            "PYTHONPATH", os.pathsep.join(filter(None, (str(Path(__file__).parents[1]), old)))
        )
        with cluster(2) as n_cpus:
            assert n_cpus == 2
            yield


def plan(trials: int) -> list[TrialSpec]:
    return plan_trials(EvaluationConfig(trials=trials))


def test_every_trial_is_played_once() -> None:
    records = list(run_on_ray(plan(7), play_quickly, ""))
    assert sorted(records, key=lambda r: r.index) == [record_of(spec) for spec in plan(7)]
    assert list(run_on_ray([], die_always, "")) == []
    assert ray.is_initialized()  # it was there before


def test_a_trial_whose_actor_dies_is_played_again(tmp_path: Path, capfd) -> None:
    records = list(run_on_ray(plan(3), die_once, str(tmp_path / "marker")))
    assert sorted(r.index for r in records) == [0, 1, 2]
    assert "trial 1 of random-10: its actor died" in capfd.readouterr().err


def test_what_kills_or_fails_is_told(monkeypatch) -> None:
    monkeypatch.setattr(ray_trials, "MAX_DEATHS", 2)
    with pytest.raises(UserError, match=r"(?s)trial 0 .*2 times in a row; .*--resume"):
        list(run_on_ray(plan(1), die_always, ""))
    with pytest.raises(UserError, match="no such thing"):
        list(run_on_ray(plan(2), refuse, ""))


def test_a_real_run_is_the_same_on_ray(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)  # from where a file of one's own is named
    Path("own.py").write_text(
        "class Middle:\n"
        "    def act(self, seen):\n"
        "        rows, columns = seen.objects.nonzero()\n"
        "        return seen.action('grasp', 0, int(rows[0]), int(columns[0]))\n"
    )
    config = EvaluationConfig(policies=("own.py:Middle",), objects=(3,), trials=2, seed=1)
    evaluate(config, workers=1, out="1")
    evaluate(config, workers="ray", out="ray")

    def played(folder: str) -> list[tuple]:
        records = sorted(read_trials(folder)[0], key=lambda r: r.index)
        return [
            (r.policy, r.index, r.seed, r.reason, [s.position for s in r.steps]) for r in records
        ]

    assert len(played("ray")) == 2
    assert played("ray") == played("1")
