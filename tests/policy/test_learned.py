"""Deciding, and policies on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import safetensors.torch
import torch
from drawn_scenes import PILE, Block, draw, shortfall, turned

from pushgrasp.errors import UserError
from pushgrasp.interfaces import Outcome
from pushgrasp.policy.base import Memory
from pushgrasp.policy.config import DecisionConfig, NetworkConfig, with_threshold
from pushgrasp.policy.learned import Policy
from pushgrasp.policy.load import PolicySource, policy_names
from pushgrasp.policy.value.config import read_value_config
from pushgrasp.training.lookahead.recipe import VALUE_RECIPES
from pushgrasp.training.recipes import RECIPES

NETWORK = NetworkConfig(widths=(16, 16, 16))
NEVER, ALWAYS = 2.0, -1.0  # thresholds that no probability, and every one exceeds


def policy(**rule: object) -> Policy:
    return Policy.random_init(NETWORK, replace(DecisionConfig(), **rule), seed=3)  # type: ignore[arg-type]


def test_a_likely_grasp_is_taken_on_the_goal() -> None:
    seen = draw(PILE, unseen=True)
    decision = policy(grasp_threshold=ALWAYS).decide(seen)
    action = decision.action
    assert action is not None
    assert action.primitive == "grasp"
    assert seen.goal[action.pixel]
    assert decision.target.is_goal
    assert action.position[2] == pytest.approx(seen.heightmap.height[action.pixel])
    np.testing.assert_allclose(action.position[:2], seen.heightmap.workspace.to_xy(*action.pixel))
    assert action.yaw == pytest.approx(action.rotation * np.pi / 8)
    assert decision.grasp_map is not None
    assert action.q == decision.q_grasp == decision.grasp_map.max()
    assert decision.push_map is None
    assert np.isnan(decision.q_push)


def test_an_unlikely_grasp_makes_it_push() -> None:
    seen = draw(PILE)
    decision = policy(grasp_threshold=NEVER).decide(seen)
    assert decision.action is not None
    assert decision.action.primitive == "push"
    assert seen.objects[decision.action.pixel]
    assert decision.action.q == decision.q_push
    assert decision.push_map is not None
    assert decision.push_map.max() <= decision.q_push + 1e-6
    assert "not over 2" in decision.why


def test_a_push_that_the_rule_needs_not_is_found_for_pictures() -> None:
    seen = draw(PILE)
    assert policy(grasp_threshold=ALWAYS).decide(seen).push_map is None
    shown = policy(grasp_threshold=ALWAYS).best_push(seen)
    pushed = policy(grasp_threshold=NEVER).decide(seen)
    assert pushed.push_map is not None
    np.testing.assert_array_equal(shown.q_map, pushed.push_map)
    assert shown.q == pushed.q_push


def test_blockers_are_grasped_rather_than_pushed() -> None:
    seen = draw(PILE)
    rule = {"grasp_threshold": NEVER, "clear_blockers": True}
    decision = policy(**rule, blocker_threshold=ALWAYS).decide(seen)
    assert decision.action is not None
    assert decision.action.primitive == "grasp"
    assert not seen.goal[decision.action.pixel]
    assert not decision.target.is_goal
    assert decision.target.mask[decision.action.pixel]
    assert decision.target.why.startswith("clears the way")
    assert decision.grasp_map is not None
    assert decision.grasp_map[:, seen.goal].max() == -np.inf
    assert decision.action.q > decision.q_grasp - 1
    pushed = policy(**rule, blocker_threshold=NEVER).decide(seen)
    assert pushed.action is not None
    assert pushed.action.primitive == "push"


def test_a_hidden_goal_is_replaced_by_the_highest_object() -> None:
    seen = draw(PILE)
    hidden = replace(seen, goal=np.zeros_like(seen.goal))
    decision = policy(grasp_threshold=ALWAYS).decide(hidden)
    assert decision.action is not None
    assert not decision.target.is_goal
    assert seen.labels[decision.action.pixel] == 3  # 6 cm, the highest
    off = policy(grasp_threshold=ALWAYS, switching=False).decide(hidden)
    assert off.action is not None
    assert off.action.primitive == "push"
    assert np.isnan(off.q_grasp)


def test_an_empty_table_gives_no_action_and_says_so() -> None:
    seen = draw(())
    for network in (NETWORK, NetworkConfig("densenet121", window="workspace", crop_px=64)):
        made = Policy.random_init(network, DecisionConfig(clear_blockers=True))
        decision = made.decide(seen)
        assert decision.action is None
        assert decision.why == "no grasp and no push is left to try"


def test_without_a_push_network_it_only_grasps() -> None:
    made = Policy.random_init(NETWORK, DecisionConfig(grasp_threshold=NEVER), with_push=False)
    decision = made.decide(draw(PILE))
    assert decision.action is not None
    assert decision.action.primitive == "grasp"
    assert decision.push_map is None


@pytest.mark.parametrize("threshold", [NEVER, ALWAYS])
def test_refused_actions_are_not_chosen_again(
    threshold: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, seen = policy(grasp_threshold=threshold), draw((Block(0, 0, 0.03, 0.03),))
    for network in made.networks().values():  # the scene stays, so one look is enough
        q_map = network.score(seen, seen.goal, seen.goal)
        monkeypatch.setattr(network, "score", lambda *_, q_map=q_map: q_map)
    refused = []
    for _ in range(100):
        decision = made.decide(seen, refused=refused)
        if decision.action is None:
            break
        for old in refused:
            same_place = np.hypot(*np.subtract(old.pixel, decision.action.pixel)) * 0.002 <= 0.015
            alike = old.primitive == decision.action.primitive and (
                old.rotation == decision.action.rotation
            )
            assert not (same_place and alike)
        refused.append(decision.action)
    else:
        pytest.fail("it never ran out of actions")
    assert {a.primitive for a in refused} == {"grasp", "push"}


def test_failures_are_not_repeated_if_the_rule_says_so() -> None:
    seen = draw(PILE)
    for avoid in (True, False):
        made = policy(grasp_threshold=ALWAYS, avoid_repeats=avoid)
        first = made.decide(seen).action
        assert first is not None
        memory = Memory().after(first, Outcome())
        assert (made.decide(seen, memory).action == first) is not avoid


def test_pushes_in_a_row_end_in_a_grasp() -> None:
    made, seen = policy(grasp_threshold=NEVER, max_pushes=2), draw(PILE)
    for pushes, primitive in ((1, "push"), (2, "grasp")):
        action = made.decide(seen, Memory(pushes_in_a_row=pushes)).action
        assert action is not None
        assert action.primitive == primitive


@pytest.mark.parametrize("threshold", [NEVER, ALWAYS])
@pytest.mark.parametrize("seed", [0, 1])
def test_turning_the_scene_turns_the_decision(threshold: float, seed: int) -> None:
    made = Policy.random_init(decision=DecisionConfig(grasp_threshold=threshold), seed=seed)
    before = made.decide(draw(PILE))
    after = made.decide(draw(PILE, turn=np.pi / 8))
    assert before.action is not None
    assert after.action is not None
    assert after.action.primitive == before.action.primitive
    q_map = after.push_map if after.action.primitive == "push" else after.grasp_map
    assert q_map is not None
    rotation = (before.action.rotation + 1) % 16
    assert shortfall(q_map, rotation, turned(before.action.pixel, np.pi / 8)) < 0.05


def test_the_whole_map_serves_blockers_of_a_network_that_sees_no_target(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = NetworkConfig("densenet121", window="workspace", crop_px=160, crop_resolution=0.003)
    rule = DecisionConfig(grasp_threshold=NEVER, blocker_threshold=ALWAYS, clear_blockers=True)
    made = Policy.random_init(config, rule, with_push=False)
    calls = []
    score = made.grasp.score
    monkeypatch.setattr(made.grasp, "score", lambda *a: calls.append(a) or score(*a, rotations=[0]))
    seen = draw(PILE)
    decision = made.decide(seen)
    assert len(calls) == 2  # the goal; then all blockers at once
    assert decision.action is not None
    assert decision.target.mask[decision.action.pixel]
    assert not seen.goal[decision.action.pixel]


def test_random_policies_are_the_same_for_the_same_seed() -> None:
    torch.manual_seed(0)
    state = torch.get_rng_state()
    one, two, other = (Policy.random_init(NETWORK, seed=s) for s in (4, 4, 5))
    assert torch.equal(torch.get_rng_state(), state)  # and leave torch's chance alone
    assert torch.equal(one.grasp.state_dict()["stem.kernel"], two.grasp.state_dict()["stem.kernel"])
    assert not torch.equal(
        one.grasp.state_dict()["stem.kernel"], other.grasp.state_dict()["stem.kernel"]
    )


@pytest.mark.parametrize("with_push", [True, False])
def test_a_saved_policy_decides_as_before(tmp_path: Path, with_push: bool) -> None:
    made = Policy.random_init(
        NETWORK, DecisionConfig(grasp_threshold=0.37), seed=8, with_push=with_push
    )
    made.metadata = {"seed": 8, "recipe": "default"}
    made.save_pretrained(tmp_path / "p")
    assert sorted(f.name for f in (tmp_path / "p").iterdir()) == [
        "config.json",
        "model.safetensors",
    ]
    loaded = Policy.from_pretrained(tmp_path / "p")
    assert (loaded.network, loaded.decision, loaded.metadata) == (
        made.network,
        made.decision,
        made.metadata,
    )
    assert loaded.name == "p"
    assert not loaded.grasp.training
    seen = draw(PILE)
    assert loaded.decide(seen).action == made.decide(seen).action
    assert (loaded.push is None) is not with_push


@pytest.mark.parametrize(("bits", "size", "error"), [(16, 0.75, 0.01), (8, 0.5, 0.03)])
def test_fewer_bits_make_a_smaller_file_and_nearly_the_same_policy(
    tmp_path: Path, bits: Literal[8, 16], size: float, error: float
) -> None:
    made, seen = policy(grasp_threshold=ALWAYS), draw(PILE)
    made.save_pretrained(tmp_path / "whole")
    made.save_pretrained(tmp_path / "small", bits=bits)
    sizes = [(tmp_path / n / "model.safetensors").stat().st_size for n in ("whole", "small")]
    assert sizes[1] < size * sizes[0]
    small = Policy.from_pretrained(tmp_path / "small")
    kernel = small.grasp.state_dict()["stem.kernel"]
    assert kernel.dtype == torch.float32
    assert not torch.equal(kernel, made.grasp.state_dict()["stem.kernel"])
    assert small.decide(seen).q_grasp == pytest.approx(made.decide(seen).q_grasp, abs=error)


def test_a_channel_of_zeros_survives_eight_bits(tmp_path: Path) -> None:
    made = policy()
    with torch.no_grad():
        made.grasp.get_parameter("stem.kernel")[0] = 0
    made.save_pretrained(tmp_path, bits=8)
    assert Policy.from_pretrained(tmp_path).grasp.get_parameter("stem.kernel")[0].abs().max() == 0


def edit(change: Callable[[dict], object]) -> Callable[[Path], object]:
    def apply(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        change(config)
        (folder / "config.json").write_text(json.dumps(config))

    return apply


def cut(folder: Path) -> None:
    model = folder / "model.safetensors"
    model.write_bytes(model.read_bytes()[:-100])


def flip_a_bit(folder: Path) -> None:
    model = folder / "model.safetensors"
    data = bytearray(model.read_bytes())
    data[-5] ^= 1
    model.write_bytes(bytes(data))


def exchange(change: Callable[[dict], object]) -> Callable[[Path], object]:
    """Other weights, with the hash that belongs to them."""

    def apply(folder: Path) -> None:
        tensors = safetensors.torch.load_file(folder / "model.safetensors")
        change(tensors)
        model = safetensors.torch.save(tensors)
        (folder / "model.safetensors").write_bytes(model)
        edit(lambda c: c.update(sha256=hashlib.sha256(model).hexdigest()))(folder)

    return apply


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut, r"model\.safetensors is not the file .* cut off, altered"),
        (flip_a_bit, r"model\.safetensors is not the file"),
        (lambda f: (f / "model.safetensors").unlink(), r"cannot read .*model\.safetensors"),
        (lambda f: (f / "config.json").unlink(), r"holds no config\.json"),
        (lambda f: (f / "config.json").write_text("{"), r"config\.json is not a JSON file"),
        (lambda f: (f / "config.json").write_text("[]"), "is not a policy's configuration"),
        (edit(lambda c: c.update(format="other")), "is not a policy's configuration"),
        (edit(lambda c: c.update(version=9)), "format version 9; this pushgrasp reads version 1"),
        (edit(lambda c: c.pop("decision")), "lacks the field 'decision'"),
        (edit(lambda c: c.update(colour="red")), "unknown field 'colour'"),
        (edit(lambda c: c.update(metadata=3)), "metadata is 3"),
        (edit(lambda c: c["decision"].update(greed=1)), "decision has the unknown field 'greed'"),
        (edit(lambda c: c["decision"].update(push_margin=1.5)), r"push_margin is 1\.5, but this"),
        (edit(lambda c: c["network"].update(crop_px=83)), "crop_px 83"),
        (edit(lambda c: c["network"].update(widths=[32, 16, 16])), "misshapen"),
        (edit(lambda c: c.update(networks=["grasp"])), "weights of 'push'"),
        (edit(lambda c: c.update(networks=["push"])), "networks is"),
        (exchange(lambda t: t.pop("grasp.head.bias")), r"lacks head\.bias"),
        (exchange(lambda t: t.update({"push.more": torch.zeros(1)})), "also has more"),
        (exchange(lambda t: t["push.head.bias"].fill_(torch.nan)), "infinite or undefined"),
    ],
)
def test_wrong_cut_and_altered_files_are_named(
    tmp_path: Path, damage: Callable[[Path], object], message: str
) -> None:
    policy().save_pretrained(tmp_path)
    damage(tmp_path)
    with pytest.raises(UserError, match=message) as raised:
        Policy.from_pretrained(tmp_path)
    assert str(tmp_path) in str(raised.value) or "crop_px" in message


def test_files_that_hold_removed_settings_as_null_still_load(tmp_path: Path) -> None:
    policy(max_pushes=3).save_pretrained(tmp_path)
    expected = Policy.from_pretrained(tmp_path).decision
    edit(lambda c: c["decision"].update(push_margin=None, push_threshold=None))(tmp_path)
    assert "push_margin" in (tmp_path / "config.json").read_text()
    assert Policy.from_pretrained(tmp_path).decision == expected


def test_an_unknown_name_lists_the_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("pushgrasp.policy.load.WEIGHTS", tmp_path)
    policy().save_pretrained(tmp_path / "small")
    assert Policy.from_pretrained("small").name == "small"
    with pytest.raises(UserError, match=r"no policy 'large'.* nor one of .*small"):
        Policy.from_pretrained("large")


def test_shipped_policies_decide_by_their_recipes() -> None:
    """The numbers in a shipped config.json are those in `recipes`, but for the measured Q_g*."""
    for name in policy_names():
        if name in VALUE_RECIPES:
            saved = read_value_config(PolicySource.resolve(name).path or Path())
            assert saved.decision == VALUE_RECIPES[name].decision
            continue
        shipped, recipe = Policy.from_pretrained(name), RECIPES[name]
        expected = with_threshold(recipe.decision, shipped.decision.grasp_threshold)
        assert shipped.decision == expected, name
        assert shipped.primitive == recipe.primitive, name
        assert shipped.network == recipe.network, name
