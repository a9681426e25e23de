"""Policies by name, by folder, and by a third party's file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from drawn_scenes import PILE, Block, draw
from simulated import RED, cube_and_gantry

from pushgrasp.errors import UserError
from pushgrasp.interfaces import Action, GripperSpec, MoveTo
from pushgrasp.policy import load as policies
from pushgrasp.policy.base import Resets
from pushgrasp.policy.config import DecisionConfig, NetworkConfig
from pushgrasp.policy.geometric.planner import Geometric
from pushgrasp.policy.learned import Policy, choose_device
from pushgrasp.policy.load import PolicySource, load_policy, policy_names, policy_sources
from pushgrasp.policy.random import RandomPolicy
from pushgrasp.primitives import PrimitiveConfig
from pushgrasp.retrieve import Step, retrieve
from pushgrasp.sim.cameras.ray import RayCamera
from pushgrasp.workspace import Workspace

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/own_policy.py"
SMALL = NetworkConfig(widths=(16, 16, 16))
SEEN = draw(PILE)

POLICIES = """
from __future__ import annotations
import dataclasses
from dataclasses import dataclass, field
import numpy as np
from pushgrasp.policy.base import Decision
from pushgrasp.interfaces import Action
from pushgrasp.primitives import PrimitiveConfig
from pushgrasp.policy.base import Target

def a_function():
    pass

class Middle:
    primitive = PrimitiveConfig(grasp_depth=0.01)
    def act(self, observation):
        row, column = (int(i) for i in np.argwhere(observation.goal).mean(0))
        return observation.action("grasp", 4, row, column, q=0.25)

@dataclass
class Whole:
    asked: list = field(default_factory=list)
    def decide(self, observation, memory=None, *, refused=()):
        self.asked.append((memory, refused))
        target = Target(observation.goal, True, 1, 0.0, "mine")
        return Decision(None, target, 0.1, 0.2, None, None, "as I say")
    def act(self, observation):
        raise AssertionError("decide goes before act")

class Gone:
    def act(self, observation):
        return None

class Elsewhere:
    def act(self, observation):
        row, column = (int(i) for i in np.argwhere(observation.labels == 3).mean(0))
        return observation.action("grasp", 0, row, column, why="it is red")

class Blind:
    def act(self, observation):
        row, column = (int(i) for i in np.argwhere(~observation.heightmap.seen)[0])
        return observation.action("push", 0, row, column)

class Wrong:
    def act(self, observation):
        return 3, 4

class WrongDecision:
    def decide(self, observation, memory=None, *, refused=()):
        return observation.action("grasp", 0, 1, 2)

class Lifts:
    def act(self, observation):
        return observation.action("lift", 0, 1, 2)

class Turns:
    def act(self, observation):
        return observation.action("grasp", 16, 1, 2)

class Strays:
    def act(self, observation):
        return observation.action("push", 0, -1, 0)

class Forges:
    def act(self, observation):
        return dataclasses.replace(observation.action("push", 0, 0, 0), pixel=(0, 5000))

class Broken:
    def act(self, observation):
        raise ValueError("no idea")

class Needy:
    def __init__(self, size):
        pass

class Stumbles:
    def __init__(self):
        self.size = 1 / 0

class Mute:
    pass

class Odd:
    primitive = 0.03
    def act(self, observation):
        return None
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "theirs.py"
    path.write_text(POLICIES)
    return path


def policy_hash(source: str | Path) -> str:
    return PolicySource.resolve(source).sha256()


def policy_name(source: str | Path) -> str:
    return PolicySource.resolve(source).name


def saved(folder: Path, seed: int = 0) -> Path:
    Policy.random_init(SMALL, seed=seed).save_pretrained(folder)
    return folder


def test_every_name_loads_and_has_a_hash_of_its_own() -> None:
    names = policy_sources()
    assert {"random", "geometric", *policy_names()} == set(names)
    assert names == sorted(names)
    hashes = {name: policy_hash(name) for name in names}
    assert len(set(hashes.values())) == len(names)
    for name in names:
        assert len(hashes[name]) == 64
        assert hashes[name] == policy_hash(name)
        assert policy_name(name) == name
        assert load_policy(name).primitive
    assert isinstance(load_policy("random"), RandomPolicy)


def test_a_checkouts_large_weights_have_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "CHECKOUT", tmp_path)
    monkeypatch.setattr(policies, "LARGE_WEIGHTS", tmp_path / "weights")
    saved(tmp_path / "weights/large")
    assert "large" not in policy_names()  # the folder is not a checkout's
    (tmp_path / "pyproject.toml").touch()
    assert {"large", "default"} <= set(policy_names())
    assert PolicySource.resolve("large").path == tmp_path / "weights/large"


def test_published_results_are_of_the_policies_that_are_shipped() -> None:
    """A hash that changes orphans them: `--resume`, `replay` and `report` go by it."""
    published = {
        policy["name"]: policy["sha256"]
        for settings in (ROOT / "results").glob("*/settings.json")
        for policy in json.loads(settings.read_text())["policies"]
    }
    assert {"default", "paper", "wang2024", "geometric"} <= published.keys()
    assert {name: policy_hash(name) for name in published} == published


def test_a_planner_is_given_the_robots_jaw() -> None:
    jaw = GripperSpec(0.08)
    planner, usual = load_policy("geometric", jaw), load_policy("geometric")
    assert isinstance(planner, Geometric)
    assert isinstance(usual, Geometric)
    assert (planner.gripper, usual.gripper) == (jaw, GripperSpec())


def test_a_folder_loads_and_goes_by_its_name(tmp_path: Path) -> None:
    loaded = load_policy(saved(tmp_path / "mine"))
    assert isinstance(loaded, Policy)
    assert loaded.network == SMALL
    assert policy_name(tmp_path / "mine") == policy_name(f"{tmp_path}/mine/") == "mine"
    assert policy_name(saved(tmp_path / "run-7/policy")) == "run-7"


def test_a_training_runs_folder_stands_for_its_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run-7"
    run.mkdir()
    (run / "config.json").write_text('{"format": "pushgrasp-run"}')
    with pytest.raises(UserError, match=r"run-7 is a training run that has no policy yet"):
        load_policy(run)
    saved(run / "policy")
    loaded = load_policy(run)
    assert isinstance(loaded, Policy)
    assert loaded.name == policy_name(run) == "run-7"
    assert policy_hash(run) == policy_hash(run / "policy")
    monkeypatch.chdir(run)
    assert policy_name(".") == policy_name("policy") == "run-7"


def test_a_training_run_does_not_hide_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs are called after their recipes: runs/default, say."""
    monkeypatch.chdir(tmp_path)
    named = policy_hash("default")
    saved(tmp_path / "default/policy")
    for content in ('{"format": "pushgrasp-run"}', "{", "[]"):
        (tmp_path / "default/config.json").write_text(content)
        assert policy_hash("default") == named
    assert policy_hash("./default") == policy_hash("default/policy") != named


def test_a_folder_goes_before_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    named = policy_hash("random")
    saved(tmp_path / "random")
    assert isinstance(load_policy("random"), Policy)
    assert policy_hash("random") == policy_hash(tmp_path / "random") != named


def test_a_hash_follows_what_decides(tmp_path: Path, file: Path) -> None:
    one, same, other = (saved(tmp_path / f"{i}", seed) for i, seed in enumerate((1, 1, 2)))
    assert policy_hash(one) == policy_hash(same) != policy_hash(other)
    config = one / "config.json"
    config.write_text(config.read_text().replace('"switch_px": 5', '"switch_px": 6'))
    assert policy_hash(one) != policy_hash(same)
    before = policy_hash(f"{file}:Middle")
    assert before != policy_hash(f"{file}:Gone")
    file.write_text(POLICIES + "\n")
    assert policy_hash(f"{file}:Middle") != before


def test_a_variant_has_another_hash_than_what_it_varies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pushgrasp.policy.load.WEIGHTS", tmp_path)
    saved(tmp_path / "paper")
    assert policy_sources() == ["geometric", "paper", "paper-no-switching", "random"]
    assert policy_hash("paper") != policy_hash("paper-no-switching")
    varied = load_policy("paper-no-switching")
    assert isinstance(varied, Policy)
    assert not varied.decision.switching


def test_a_baselines_hash_follows_its_version_only(monkeypatch: pytest.MonkeyPatch) -> None:
    before = policy_hash("geometric"), policy_hash("random")
    monkeypatch.setattr(policies, "_read", lambda path: path.read_bytes() + b"# new")
    assert (policy_hash("geometric"), policy_hash("random")) == before
    monkeypatch.setitem(policies.BASELINES, "geometric", 99)
    assert policy_hash("geometric") != before[0]
    assert policy_hash("random") == before[1]


def test_a_learned_policys_hash_follows_the_rule_and_not_the_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = policy_hash(saved(tmp_path / "one"))
    config = tmp_path / "one/config.json"
    config.write_text(config.read_text().replace('"metadata": {}', '"metadata": {"by": "me"}'))
    assert "by" in config.read_text()
    assert policy_hash(tmp_path / "one") == before
    monkeypatch.setattr(policies, "version_for", lambda *_: 99)
    assert policy_hash(tmp_path / "one") != before


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package that offers a class, one that is no policy, and one that is missing."""
    info = tmp_path / "grippers-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: grippers\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(
        "[pushgrasp.policies]\n"
        "middle = grippers_of_ours:Middle\n"
        "mute = grippers_of_ours:Mute\n"
        "absent = grippers_of_ours:Absent\n"
        "default = grippers_of_ours:Middle\n"
    )
    (tmp_path / "grippers_of_ours.py").write_text(POLICIES)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "grippers_of_ours", raising=False)
    return tmp_path


def test_a_package_offers_policies_by_name(package: Path) -> None:
    assert {"middle", "mute", "default"} <= set(policy_sources())
    found = PolicySource.resolve("middle")
    assert (found.kind, found.name) == ("package", "middle")
    assert "grippers_of_ours" not in sys.modules  # its code runs only when it is loaded
    decision = found.load().decide(SEEN)
    assert decision.action is not None
    assert decision.action.rotation == 4
    assert isinstance(load_policy("default"), Policy)  # ours keeps its name
    before = found.sha256()
    (package / "grippers_of_ours.py").write_text(POLICIES + "\n")
    assert policy_hash("middle") != before


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mute", "mute is not a policy: it needs a method act"),
        ("absent", r"cannot import grippers_of_ours:Absent, .* package grippers offers: Attribute"),
    ],
)
def test_a_package_whose_class_is_no_policy_is_named(
    package: Path, name: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        load_policy(name)


def test_two_packages_may_not_offer_one_name(package: Path) -> None:
    info = package / "other-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[pushgrasp.policies]\nmiddle = other:Thing\n")
    with pytest.raises(UserError, match=r"two installed packages offer a policy 'middle': .*Thing"):
        load_policy("middle")


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("gpu", "no device 'gpu'; it is auto, cpu, cuda or cuda:N"),
        ("mps", "no device 'mps'"),
        ("cuda", "device 'cuda' is not available: PyTorch .* finds no GPU here; use cpu or auto"),
        ("cuda:3", "device 'cuda:3' is not available"),
    ],
)
def test_a_device_that_is_not_there_is_told(
    device: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(UserError, match=message):
        load_policy("default", device=device)


def test_networks_compute_where_they_are_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As far as that can be tested without a GPU."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert str(choose_device("auto", for_gpu=True)) == "cuda"
    assert str(choose_device("auto", for_gpu=False)) == "cpu"
    assert str(choose_device("cuda:1", for_gpu=False)) == "cuda:1"
    with pytest.raises(UserError, match=r"'cuda:2' is not available: .* finds 2 GPUs"):
        choose_device("cuda:2", for_gpu=True)
    moved: list[str] = []
    monkeypatch.setattr("torch.nn.Module.to", lambda self, device: moved.append(str(device)))
    load_policy(saved(tmp_path / "p"), device="cuda:1")
    assert moved == ["cuda:1"] * 2


def test_a_name_is_resolved_without_pytorch() -> None:
    code = (
        "import sys; from pushgrasp.policy.load import PolicySource\n"
        "PolicySource.resolve('default').sha256()\n"
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_class_with_act_decides(file: Path) -> None:
    theirs = load_policy(f"{file}:Middle")
    assert policy_name(f"{file}:Middle") == "Middle"
    assert theirs.primitive == PrimitiveConfig(grasp_depth=0.01)
    decision = theirs.decide(SEEN)
    assert decision.action is not None
    assert decision.action.rotation == 4
    assert decision.target.is_goal
    assert decision.target.visible_px == SEEN.goal.sum()
    assert decision.q_grasp == 0.25
    assert np.isnan(decision.q_push)
    assert decision.grasp_map is decision.push_map is None
    assert decision.why == "chosen by Middle"


def test_a_refused_act_ends_it_and_says_so(file: Path) -> None:
    theirs = load_policy(f"{file}:Middle")
    action = theirs.decide(SEEN).action
    assert action is not None
    decision = theirs.decide(SEEN, refused=[action])
    assert decision.action is None
    assert decision.why == "the robot refused the only action that Middle offers here"


def test_a_class_with_decide_is_asked_as_it_is(file: Path) -> None:
    theirs = load_policy(f"{file}:Whole")
    assert theirs.primitive == PrimitiveConfig()
    decision = theirs.decide(SEEN, refused=())
    assert (decision.target.why, decision.why) == ("mine", "as I say")


def test_what_is_grasped_at_is_the_target(file: Path) -> None:
    decision = load_policy(f"{file}:Elsewhere").decide(SEEN)
    assert not decision.target.is_goal
    np.testing.assert_array_equal(decision.target.mask, SEEN.labels == 3)
    assert decision.why == "it is red"


def test_nothing_to_do_is_said(file: Path) -> None:
    assert load_policy(f"{file}:Gone").decide(SEEN).why == "Gone sees nothing to do"


def test_an_action_at_an_unseen_place_is_none(file: Path) -> None:
    decision = load_policy(f"{file}:Blind").decide(draw(PILE, unseen=True))
    assert decision.action is None
    assert decision.why == "Blind chose row 0, column 60, which the camera does not see"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Wrong", r"Wrong: act returned \(3, 4\); expected what observation\.action"),
        ("WrongDecision", r"WrongDecision: decide returned Action\(.*, which is not a Decision"),
        ("Lifts", "Lifts: no primitive 'lift'; there are: grasp, push"),
        ("Turns", "Turns: no rotation 16; there are 0 to 15"),
        ("Strays", r"Strays: no pixel \(-1, 0\); the heightmap has \d+ x \d+"),
        ("Forges", r"Forges: no pixel \(0, 5000\)"),
    ],
)
def test_a_wrong_answer_is_named(file: Path, name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_policy(f"{file}:{name}").decide(SEEN)


def test_their_own_errors_keep_their_trace(file: Path) -> None:
    with pytest.raises(ValueError, match="no idea"):
        load_policy(f"{file}:Broken").decide(SEEN)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Missing", r"has no class 'Missing'; its classes are: Middle, Whole, Gone, .*, Odd$"),
        ("a_function", "has no class 'a_function'"),
        ("np", "has no class 'np'"),
        ("", "has no class ''"),
        ("Needy", r"cannot make Needy of .*theirs\.py: TypeError: .*'size'; .* without arguments"),
        ("Stumbles", r"cannot make Stumbles .*: ZeroDivisionError: division by zero \(line 78\)"),
        ("Mute", r"Mute is not a policy: it needs a method act\(observation\)"),
        ("Odd", r"Odd\.primitive is 0\.03; it must be a PrimitiveConfig"),
    ],
)
def test_a_class_that_is_no_policy_is_named(file: Path, name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_policy(f"{file}:{name}")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import nothing_of_the_kind", r"ModuleNotFoundError: .*'nothing_of_the_kind' \(line 1\)"),
        ("x = 1\n\nx = y", r"NameError: name 'y' is not defined \(line 3\)"),
        ("x = 1\nclass (", r"SyntaxError: .* \(line 2\)"),
        ("raise SystemExit(3)", r"SystemExit: 3 \(line 1\)"),
    ],
)
def test_a_file_that_fails_is_named(tmp_path: Path, code: str, message: str) -> None:
    path = tmp_path / "bad.py"
    path.write_text(code)
    before = set(sys.modules)
    with pytest.raises(UserError, match=r"cannot import .*bad\.py: " + message):
        load_policy(f"{path}:Policy")
    assert not {m for m in set(sys.modules) - before if m.startswith("bad")}


def test_no_such_policy_is_answered_with_the_names(tmp_path: Path) -> None:
    for ask in (load_policy, policy_hash):
        with pytest.raises(UserError, match=r"no policy 'nope': .* default.* geometric.* random"):
            ask("nope")
        with pytest.raises(UserError, match=r"no policy 'defualt': .*; did you mean 'default'\?"):
            ask("defualt")
        with pytest.raises(UserError, match=r"own\.py names no class .* write .*own\.py:CLASS"):
            ask(tmp_path / "own.py")
        with pytest.raises(UserError, match=r"holds no config\.json"):
            ask(tmp_path)
    with pytest.raises(UserError, match=r"no file .*own\.py"):
        load_policy(f"{tmp_path / 'own.py'}:Mine")
    with pytest.raises(UserError, match=r"cannot read .*own\.py: No such file"):
        policy_hash(f"{tmp_path / 'own.py'}:Mine")


def test_two_files_of_one_name_are_two_modules(tmp_path: Path) -> None:
    loaded = []
    for i in (1, 2):
        path = tmp_path / str(i) / "same.py"
        path.parent.mkdir()
        path.write_text(f"class P:\n    def act(self, seen):\n        raise ValueError({i})\n")
        loaded.append(load_policy(f"{path}:P"))
    for i, policy in enumerate(loaded, start=1):
        with pytest.raises(ValueError, match=str(i)):
            policy.decide(SEEN)


def test_the_example_grasps_across_the_short_side() -> None:
    for yaw in np.arange(0, np.pi, np.pi / 8):
        seen = draw((Block(0.02, 0.03, 0.1, 0.03, 0.05, yaw),))
        action = load_policy(f"{EXAMPLE}:TopDown").decide(seen).action
        assert action is not None
        off = (action.yaw - yaw - np.pi / 2) % np.pi
        assert min(off, np.pi - off) < 0.1
        assert seen.goal[action.pixel]
    assert load_policy(f"{EXAMPLE}:TopDown").decide(draw(())).action is None


def test_the_example_tries_nothing_twice_until_it_is_reset() -> None:
    theirs = load_policy(f"{EXAMPLE}:TopDown")
    assert isinstance(theirs, Resets)
    actions = [theirs.decide(SEEN).action for _ in range(30)]
    tried = {(a.pixel, a.rotation % 8) for a in actions if a is not None}
    assert len(tried) == sum(a is not None for a in actions) > 3
    assert actions[-1] is None
    theirs.reset()
    np.testing.assert_equal(vars(theirs.decide(SEEN).action), vars(actions[0]))  # q is NaN


def play(source: str, refuses: str = "") -> list[Step]:
    world, robot = cube_and_gantry()
    robot.refuses = lambda moves: refuses if isinstance(moves[0], MoveTo) else ""  # type: ignore[method-assign]
    return list(retrieve(RayCamera(world), robot, load_policy(source), RED))


def test_a_third_partys_policy_retrieves() -> None:
    (step,) = play(f"{EXAMPLE}:TopDown")
    assert step.claimed_success


def test_a_robot_that_refuses_ends_a_simple_policys_episode() -> None:
    (step,) = play(f"{EXAMPLE}:TopDown", refuses="out of reach")
    assert step.decision.action is None
    assert step.refusals == ("out of reach",)
    assert step.reason == (
        "nothing to do: the robot refused the only action that TopDown offers here"
    )


def test_the_hand_written_planner_retrieves() -> None:
    (step,) = play("geometric")
    assert step.claimed_success
    action = step.decision.action
    assert isinstance(action, Action)
    assert Workspace().contains(action.position[:2])
    assert DecisionConfig().switch_px < step.decision.target.visible_px
