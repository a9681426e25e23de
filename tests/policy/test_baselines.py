"""`random` and `geometric` on drawn heightmaps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawn_scenes import PILE, WORKSPACE, Block, draw
from hypothesis import given, settings
from hypothesis import strategies as st

from pushgrasp.interfaces import Action, GripperSpec, Outcome
from pushgrasp.perception.heightmap import Heightmap
from pushgrasp.perception.observation import Observation
from pushgrasp.perception.segmentation import MIN_HEIGHT
from pushgrasp.policy.base import Decides, Memory
from pushgrasp.policy.geometric.antipodal import UNSEEN, grasp_map
from pushgrasp.policy.geometric.jaw import fingers_over, obstacles
from pushgrasp.policy.geometric.planner import SURE, Geometric
from pushgrasp.policy.geometric.pushes import push_map
from pushgrasp.policy.random import RandomPolicy
from pushgrasp.primitives import push_path
from pushgrasp.workspace import rotation_angle

JAW = GripperSpec()
DEEP = Geometric.primitive
BASELINES = (RandomPolicy(), Geometric())


def hide(seen: Observation, cells: np.ndarray) -> Observation:
    """The same, but that no camera sees some cells."""
    height, color = seen.heightmap.height.copy(), seen.heightmap.color.copy()
    height[cells], color[cells] = np.nan, 0
    return Observation(
        Heightmap(color, height, WORKSPACE),
        np.where(cells, 0, seen.labels),
        seen.objects & ~cells,
        seen.goal & ~cells,
    )


def fingers(rotation: int, row: int, column: int, jaw: GripperSpec = JAW) -> np.ndarray:
    """(N, 2) rows and columns of the cells under both fingers, found point by point."""
    angle, center = float(rotation_angle(rotation)), WORKSPACE.to_xy(row, column)
    ahead, beside = (
        np.array([np.cos(angle), np.sin(angle)]),
        np.array([-np.sin(angle), np.cos(angle)]),
    )
    reach = np.linspace(0, jaw.finger_thickness, 25) + jaw.max_width / 2
    breadth = np.linspace(-jaw.finger_breadth / 2, jaw.finger_breadth / 2, 45)
    along, across = (v.reshape(-1, 1) for v in np.meshgrid(np.r_[reach, -reach], breadth))
    return np.unique(WORKSPACE.to_pixel(center + along * ahead + across * beside), axis=0)


def act(policy: Decides, seen: Observation, memory: Memory | None = None) -> Action:
    action = policy.decide(seen, memory).action
    assert action is not None
    return action


@pytest.mark.parametrize("yaw", np.radians([0, 22.5, 60, 90, 135]))
@pytest.mark.parametrize(("x", "y"), [(0.0, 0.0), (0.07, -0.05)])
def test_a_lone_brick_is_grasped_across_its_short_side_at_its_middle(
    yaw: float, x: float, y: float
) -> None:
    seen = draw((Block(x, y, 0.1, 0.05, 0.025, yaw),))
    decision = Geometric().decide(seen)
    action = decision.action
    assert action is not None
    assert action.primitive == "grasp"
    assert decision.target.is_goal
    off = (action.yaw - yaw - np.pi / 2) % np.pi  # the jaw closes across the long side
    assert min(off, np.pi - off) < np.radians(12)
    middle = np.array(WORKSPACE.center) + np.array([x, y])
    assert np.hypot(*(np.array(action.position[:2]) - middle)) < 0.012
    assert action.q == decision.q_grasp > 0.8
    assert decision.grasp_map is not None
    assert action.q == decision.grasp_map[action.rotation][action.pixel] == decision.grasp_map.max()
    assert decision.push_map is None


def test_what_is_wider_than_the_jaw_is_not_grasped() -> None:
    seen = draw((Block(0, 0, 0.14, 0.14, 0.05),))
    assert grasp_map(seen, JAW, DEEP).max() < 0.01  # but for its very corners
    assert act(Geometric(), seen).primitive == "push"


def test_a_narrower_jaw_is_reckoned_with() -> None:
    seen = draw((Block(0, 0, 0.09, 0.09, 0.05),))
    assert grasp_map(seen, JAW, DEEP).max() > 0.4
    assert grasp_map(seen, replace(JAW, max_width=0.08), DEEP).max() < 0.02


def test_between_two_touching_blocks_no_finger_comes_down_inside_the_neighbour() -> None:
    seen = draw((Block(0, 0), Block(0.05, 0), Block(0.1, 0)))
    q_map = grasp_map(seen, JAW, DEEP)
    middle = tuple(WORKSPACE.to_pixel(WORKSPACE.center))
    assert q_map[0][middle] == 0  # along the row: a finger would be inside the third block
    assert q_map[4][middle] > 0.8  # across it both are free
    action = act(Geometric(), seen)
    assert abs(np.sin(action.yaw)) > 0.9
    under = seen.labels[tuple(fingers(action.rotation, *action.pixel).T)]
    assert not under.any()


def test_round_and_slanted_and_crooked_sides_hold_less() -> None:
    def at_middle(seen: Observation, rotation: int) -> float:
        middle = tuple(WORKSPACE.to_pixel(WORKSPACE.center))
        return float(grasp_map(seen, JAW, DEEP)[rotation][middle])

    square = draw((Block(0, 0, 0.06, 0.06),))
    straight, corners = at_middle(square, 0), at_middle(square, 2)
    assert straight > 0.9
    assert corners < 0.7 * straight
    roof = draw((Block(0, 0, 0.06, 0.06),))
    columns = np.abs(np.arange(224) - 111.5) * WORKSPACE.resolution
    slope = np.maximum(0.05 - 1.2 * columns, 0.012).astype(np.float32)
    roof.heightmap.height[roof.goal] = np.broadcast_to(slope, (224, 224))[roof.goal]
    assert at_middle(roof, 0) < 0.5 * straight


def test_a_grasp_beside_the_middle_counts_less() -> None:
    seen = draw((Block(0, 0, 0.1, 0.025),))
    q_map = grasp_map(seen, JAW, DEEP)[4]  # across the long side
    row, column = WORKSPACE.to_pixel(WORKSPACE.center)
    values = q_map[row, column : column + 20]
    assert values[0] > 0.9
    assert (np.diff(values[::4]) < 0).all()


def test_unseen_cells_are_neither_free_nor_the_object() -> None:
    seen = draw((Block(0, 0),))
    row, column = (int(i) for i in WORKSPACE.to_pixel(WORKSPACE.center))
    before = grasp_map(seen, JAW, DEEP)
    under = np.zeros(WORKSPACE.shape, bool)
    cell = fingers(0, row, column)[0]
    under[tuple(cell)] = True
    after = grasp_map(hide(seen, under), JAW, DEEP)
    assert before[0, row, column] > 0.9
    assert after[0, row, column] == pytest.approx(UNSEEN * before[0, row, column])
    assert after[4, row, column] == before[4, row, column]
    shadow = np.zeros(WORKSPACE.shape, bool)
    shadow[:, column + 13 : column + 50] = True  # all behind the block, as its own shadow
    action = act(Geometric(), hide(seen, shadow))
    assert not shadow[tuple(fingers(action.rotation, *action.pixel).T)].any()


def test_where_nothing_is_sure_the_unseen_is_risked_before_the_occupied() -> None:
    seen = draw((Block(0, 0),))
    row, column = WORKSPACE.to_pixel(WORKSPACE.center)
    y, x = np.indices(WORKSPACE.shape)
    unseen = np.hypot(y - row, x - column) > 22
    walls = Block(-0.06, 0, 0.05, 0.3), Block(0, 0.06, 0.3, 0.05), Block(0, -0.06, 0.3, 0.05)
    hemmed_in = draw((Block(0, 0), *walls))
    assert grasp_map(hemmed_in, JAW, DEEP)[:, hemmed_in.goal].max() == 0
    q = grasp_map(hide(seen, unseen), JAW, DEEP)[:, seen.goal].max()
    assert SURE < q <= UNSEEN


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.sampled_from([JAW, GripperSpec(0.08, finger_breadth=0.02)]))
def test_no_finger_is_over_what_it_would_hit(seed: int, jaw: GripperSpec) -> None:
    rng = np.random.default_rng(seed)
    blocks = []
    for _ in range(rng.integers(1, 12)):
        (x, y), (length, width, high) = rng.normal(0, 0.06, 2), rng.choice([0.025, 0.05, 0.1], 3)
        blocks.append(Block(x, y, length, width, high, rng.uniform(0, 3)))
    seen = draw(tuple(blocks))
    seen = hide(seen, np.kron(rng.random((28, 28)) < 0.03, np.ones((8, 8))) > 0)
    q_map, height = grasp_map(seen, jaw, DEEP), seen.heightmap.height
    assert np.isneginf(q_map[:, ~seen.objects]).all()
    assert ((q_map[:, seen.objects] >= 0) & (q_map[:, seen.objects] <= 1)).all()
    np.testing.assert_array_equal(q_map[:8], q_map[8:])
    places = np.argwhere(q_map > 0)
    for rotation, row, column in rng.permutation(places)[:40]:
        cells = fingers(rotation, row, column, jaw)
        assert ((cells >= 0) & (cells < 224)).all()
        under = height[tuple(cells.T)]
        tip = max(height[row, column] - DEEP.grasp_depth, DEEP.tip_clearance)
        assert np.nanmax(under, initial=0) <= max(tip, MIN_HEIGHT)
        if q_map[rotation, row, column] > UNSEEN:
            assert np.isfinite(under).all()


@pytest.mark.parametrize("rotation", range(16))
def test_the_fingers_meet_every_cell_under_them(rotation: int) -> None:
    rng = np.random.default_rng(rotation)
    solid = rng.random(WORKSPACE.shape).astype(np.float32)
    meets = fingers_over(solid, rotation, JAW, WORKSPACE.resolution)
    for row, column in rng.integers(45, 179, (20, 2)):
        assert meets[row, column] >= solid[tuple(fingers(rotation, row, column).T)].max()
    near = np.zeros(WORKSPACE.shape, np.float32)
    near[112, 112] = 1  # under neither finger, by more than 3 mm
    assert fingers_over(near, rotation, JAW, WORKSPACE.resolution)[112, 112] == 0
    assert np.isinf(meets[112, 2])


def test_noise_of_the_table_is_no_obstacle_and_shadows_are() -> None:
    seen = draw((Block(0, 0),), unseen=True)
    seen.heightmap.height[10, 10] = 0.012  # of a patch too small for an object
    solid = obstacles(seen)
    assert solid[10, 10] == np.float32(MIN_HEIGHT)
    assert np.isinf(solid[:, 60:75]).all()
    assert solid[seen.goal].min() == np.float32(0.05)


def test_a_hidden_goal_makes_it_take_the_highest_object() -> None:
    seen = draw(PILE)
    hidden = replace(seen, goal=np.zeros_like(seen.goal))
    decision = Geometric().decide(hidden)
    assert decision.action is not None
    assert not decision.target.is_goal
    assert decision.target.visible_px == 0
    assert seen.labels[decision.action.pixel] == 3  # 60 mm
    assert RandomPolicy().decide(hidden).target.mask[act(RandomPolicy(), hidden).pixel]


def test_what_is_in_the_way_is_taken_away() -> None:
    walls = Block(-0.06, 0, 0.05, 0.2, 0.08), Block(0.06, 0, 0.05, 0.2, 0.08)
    ends = Block(0, 0.06, 0.05, 0.05, 0.08), Block(0, -0.06, 0.05, 0.05, 0.08)
    seen = draw((Block(0, 0, 0.05, 0.05, 0.025), *walls, *ends))
    decision = Geometric().decide(seen)
    assert decision.action is not None
    assert decision.action.primitive == "grasp"
    assert seen.labels[decision.action.pixel] > 1
    assert decision.target.why.startswith("clears the way")
    assert not decision.target.is_goal


@pytest.mark.parametrize(("score", "primitive"), [(SURE, "grasp"), (0.9 * SURE, "push")])
def test_what_is_elsewhere_is_removed_if_nothing_beside_the_goal_can_be(
    score: float, primitive: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = draw((Block(0, 0), Block(0.05, 0), Block(0.15, 0.15)))
    scores = np.full((16, *WORKSPACE.shape), -np.inf, np.float32)
    scores[:, seen.objects] = 0
    scores[4, seen.labels == 3] = np.nextafter(np.float32(score), np.float32(1))
    monkeypatch.setattr("pushgrasp.policy.geometric.planner.grasp_map", lambda *_: scores)
    decision = Geometric().decide(seen)
    assert decision.action is not None
    assert decision.action.primitive == primitive
    assert decision.target.is_goal == (primitive == "push")
    if primitive == "grasp":
        assert seen.labels[decision.action.pixel] == 3
        assert decision.target.why.startswith("clears the table")
        assert "another object's scores 0.15" in decision.why


def test_a_push_starts_in_the_open_and_goes_where_there_is_room() -> None:
    seen = draw((Block(0, 0), Block(0.07, 0, 0.05, 0.2), Block(-0.12, 0, 0.03, 0.2)))
    q_map = push_map(seen, seen.goal, JAW, DEEP)
    assert np.isneginf(q_map[:, ~seen.goal]).all()
    rotation, row, column = np.unravel_index(q_map.argmax(), q_map.shape)
    action = seen.action("push", int(rotation), int(row), int(column))
    assert abs(np.sin(action.yaw)) > 0.9  # along the walls, not into one
    start, end = push_path(action, DEEP, WORKSPACE)
    assert not seen.objects[tuple(WORKSPACE.to_pixel(start))]
    assert WORKSPACE.contains(end)
    behind = hide(seen, np.arange(224)[:, None] < np.array([[105]]) * np.ones((1, 224)))
    downwards = push_map(behind, behind.goal, JAW, DEEP)[4]  # its start is unseen now
    assert q_map[4].max() > 0.5
    assert np.isneginf(downwards).all()


def test_a_push_keeps_its_object_on_the_table() -> None:
    seen = draw((Block(0.15, 0),))
    q_map = push_map(seen, seen.goal, JAW, DEEP)
    row, column = np.argwhere(seen.goal).mean(0).astype(int)
    assert np.isneginf(q_map[0, row, column])  # outwards
    assert q_map[8, row, column] > 0.8  # inwards


def test_failures_are_not_repeated_and_cost_trust() -> None:
    seen, memory = draw(PILE), Memory()
    met = []
    for _ in range(6):
        action = act(Geometric(), seen, memory)
        met.append((action.primitive, action.pixel, action.rotation % 8))
        memory = memory.after(action, Outcome(holding=False, changed=False))
    assert len(set(met)) == 6
    first = Geometric().decide(seen)
    assert first.action is not None
    again = Geometric().decide(seen, refused=[first.action])
    assert again.action != first.action


def test_an_empty_table_leaves_nothing_to_do() -> None:
    seen = draw(())
    for policy in BASELINES:
        decision = policy.decide(seen)
        assert decision.action is None
        assert decision.why
        assert np.isnan([decision.q_grasp, decision.q_push]).all()


@pytest.mark.parametrize("policy", BASELINES)
def test_the_same_look_meets_the_same_action(policy: Decides) -> None:
    one, two = draw(PILE, unseen=True), draw(PILE, unseen=True)
    # Field by field, since a value that does not exist is NaN, which equals nothing.
    first, second = policy.decide(one).action, type(policy)().decide(two).action
    assert first is not None
    np.testing.assert_equal(vars(first), vars(second))
    policy.decide(draw(PILE[1:]))
    np.testing.assert_equal(vars(policy.decide(one).action), vars(policy.decide(two).action))


def test_chance_is_fair() -> None:
    """Grasps and pushes, all rotations, the whole of the goal and nothing else."""
    actions = []
    for i in range(200):
        seen = draw((Block(0.001 * (i % 20), 0.001 * (i // 20)), Block(0.1, 0.1)))
        actions.append(act(RandomPolicy(), seen))
        assert seen.goal[actions[-1].pixel]
        assert np.isnan(actions[-1].q)
    share = np.mean([a.primitive == "grasp" for a in actions])
    assert 0.35 < share < 0.65
    counts = np.bincount([a.rotation for a in actions], minlength=16)
    assert counts.min() > 2
    assert counts.max() < 30


def test_chance_does_not_repeat_what_failed() -> None:
    seen, memory, met = draw((Block(0, 0),)), Memory(), []
    for _ in range(40):
        action = act(RandomPolicy(), seen, memory)
        met.append((action.primitive, action.pixel, action.rotation))
        memory = memory.after(action, Outcome(holding=False, changed=False))
    assert len(set(met)) == 40
