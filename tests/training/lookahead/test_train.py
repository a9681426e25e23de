"""Training a value policy: stages in order, resumed where it stopped, and the policy it writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from two_blocks import two_blocks

from pushgrasp.errors import UserError
from pushgrasp.policy.load import PolicySource, load_policy
from pushgrasp.policy.value.config import ValueConfig
from pushgrasp.policy.value.network import ValueNetwork
from pushgrasp.policy.value.policy import ValuePolicy
from pushgrasp.policy.value.saved import save_value_policy
from pushgrasp.training.config import TrainingConfig
from pushgrasp.training.lookahead import train as training
from pushgrasp.training.lookahead.fit_config import FitConfig
from pushgrasp.training.lookahead.play_scene import Played, PlayJob
from pushgrasp.training.lookahead.recipe import (
    VALUE_RECIPES,
    PlayStage,
    ValueRecipe,
    check_value_recipe,
    find_value_recipe,
    value_recipe_text,
)
from pushgrasp.training.recipe_file import find_recipe, modified

TINY = ValueRecipe(
    "tiny",
    (PlayStage(4, ("default",)), PlayStage(3)),
    FitConfig(iterations=1, epochs=1, goals=2, batch=8),
)


class Drawn:
    """In place of the pool: scenes that nobody plays."""

    def __init__(self, *_: object, **__: object) -> None:
        self.jobs: list[PlayJob] = []
        self.waiting: list[PlayJob] = []
        self.n = 1
        self.stop_after = 1000
        pools.append(self)

    def __enter__(self) -> Drawn:
        return self

    def __exit__(self, *_: object) -> None: ...

    def start(self, *_: object, **__: object) -> None: ...

    def cancel(self) -> None:
        self.waiting = []

    def assign(self, next_job: Callable[[], PlayJob]) -> bool:
        self.waiting.append(next_job())
        return True

    def receive(self, timeout: float) -> list[tuple[int, Played]]:
        job = self.waiting.pop()
        if len(self.jobs) >= self.stop_after:
            raise KeyboardInterrupt
        self.jobs.append(job)
        record = None if job.scene == 1 else two_blocks(10 * job.stage + job.scene)
        return [(0, Played(job, record))]


pools: list[Drawn] = []


@pytest.fixture(autouse=True)
def _drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    pools.clear()
    monkeypatch.setattr(training, "Pool", Drawn)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[PlayJob]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "Pool", Drawn)
        out = tmp_path_factory.mktemp("run") / "run"
        training.train_value(TINY, out, TrainingConfig())
    return out, pools[-1].jobs


def test_each_stage_is_played_then_learned_from(whole: tuple[Path, list[PlayJob]]) -> None:
    out, jobs = whole
    played = [(job.stage, job.scene) for job in jobs]
    assert played == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]  # the second of each failed
    policy = load_policy(out)
    assert isinstance(policy, ValuePolicy)
    assert (policy.margin, policy.patience) == (0.04, 2)
    assert policy.grasp_net is not None
    found = PolicySource.resolve(out / "policy")
    assert (found.kind, found.name) == ("value", "run")
    assert find_value_recipe(out) == TINY


def test_a_stopped_run_goes_on_where_it_was(
    whole: tuple[Path, list[PlayJob]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    monkeypatch.setattr(Drawn, "__init__", _stopping(Drawn.__init__, 4))
    with pytest.raises(KeyboardInterrupt):
        training.train_value(TINY, out, TrainingConfig())
    monkeypatch.setattr(Drawn, "__init__", _stopping(Drawn.__init__, 1000))
    folder = training.train_value(None, out, TrainingConfig(resume=True))
    assert [job.stage for job in pools[-1].jobs] == [1, 1]
    assert PolicySource.resolve(folder).sha256() == PolicySource.resolve(whole[0]).sha256()


def _stopping(init: Callable[..., None], n: int) -> Callable[..., None]:
    def made(self: Drawn, *args: object, **named: object) -> None:
        init(self, *args, **named)
        self.stop_after = n

    return made


def test_a_run_is_not_begun_in_the_folder_of_another(
    whole: tuple[Path, list[PlayJob]],
) -> None:
    out, _ = whole
    with pytest.raises(UserError, match="not empty"):
        training.train_value(TINY, out, TrainingConfig())
    other = replace(TINY, decision=replace(TINY.decision, margin=0.5))
    with pytest.raises(UserError, match="other numbers"):
        training.train_value(other, out, TrainingConfig(resume=True))


def test_the_hash_follows_weights_and_numbers(tmp_path: Path) -> None:
    def digest(seed: int, **numbers: float) -> str:
        torch.manual_seed(seed)
        save_value_policy(tmp_path, [ValueNetwork()], ValueConfig(**numbers))  # type: ignore[arg-type]
        return PolicySource.resolve(tmp_path).sha256()

    first = digest(0)
    assert digest(0) == first
    assert digest(1) != first
    assert digest(0, patience=3) != first
    assert digest(0, margin=0.05) != first


def test_altered_weights_are_refused(tmp_path: Path) -> None:
    save_value_policy(tmp_path, [ValueNetwork()], ValueConfig())
    model = tmp_path / "model.safetensors"
    content = bytearray(model.read_bytes())
    content[-1] ^= 1
    model.write_bytes(content)
    with pytest.raises(UserError, match="cut off, altered"):
        load_policy(tmp_path)


def test_a_recipe_survives_its_file(tmp_path: Path) -> None:
    changed = modified(VALUE_RECIPES["value"], ["stages.0.n_actions=7", "fit.epochs=2.5"])
    assert changed.stages[0].n_actions == 7
    path = tmp_path / "mine.json"
    path.write_text(value_recipe_text(changed))
    assert find_value_recipe(path) == changed
    assert find_value_recipe("default") is None
    with pytest.raises(UserError, match="value"):
        find_recipe("no such recipe")


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ((), "no stages"),
        ((PlayStage(0, ("default",)),), "n_actions is 0"),
        ((PlayStage(5),), "nothing has been learned"),
        ((PlayStage(5, ("default",), 1.5),), "policy_share is 1.5"),
        ((PlayStage(5, ()),), "policies is empty"),
    ],
)
def test_recipes_that_cannot_be_trained_are_refused(
    stages: tuple[PlayStage, ...], message: str
) -> None:
    check_value_recipe(VALUE_RECIPES["value"])
    with pytest.raises(UserError, match=message):
        check_value_recipe(replace(TINY, stages=stages))


def test_time_that_is_up_before_anything_was_learned_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no policy yet"):
        training.train_value(TINY, tmp_path / "run", TrainingConfig(time_limit=1e-9))
