"""Panels and pictures of a decision, drawn without a simulator."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
from made_steps import RED, WORKSPACE, make_frame, make_step

from pushgrasp.interfaces import Primitive
from pushgrasp.perception.heightmap import Heightmap
from pushgrasp.perception.observation import Observation
from pushgrasp.policy.base import Decision, Target
from pushgrasp.retrieve import Step
from pushgrasp.sim.cell import Cell
from pushgrasp.view.draw import panels
from pushgrasp.view.draw.actions import ActionGeometry
from pushgrasp.view.draw.pictures import (
    SIZE,
    color_picture,
    compared,
    decision_picture,
    height_picture,
    png,
)
from pushgrasp.view.draw.sheet import GOAL, UNSEEN, UNSEEN_STRIPE, wrap
from pushgrasp.workspace import Workspace


@pytest.mark.parametrize("primitive", ["grasp", "push", None])
@pytest.mark.parametrize("hidden", [True, False])
def test_a_decision_has_its_picture(primitive: Primitive | None, hidden: bool):
    step = make_step(primitive, hidden=hidden)
    picture = decision_picture(step, make_frame(), goal_rgb=RED, goal_name="red")
    assert picture.shape == (SIZE[1], SIZE[0], 3)
    back = cv2.imdecode(np.frombuffer(png(picture), np.uint8), cv2.IMREAD_COLOR)
    assert back is not None
    np.testing.assert_array_equal(back[..., ::-1], picture)


@pytest.mark.parametrize("x_min", [-0.724, 0.3])
def test_maps_are_turned_so_that_the_camera_is_below_them(x_min: float):
    workspace = Workspace(x_min=x_min)
    for pose in (None, Cell(workspace).camera_pose):
        crop = panels.Crop(0, 0, 224, 448, panels.quarters_of(workspace, pose))
        camera = Cell(workspace).camera_pose[:2, 3]
        x, y = crop.at_xy(camera, workspace)
        assert y > 448, "below the panel"
        assert x == pytest.approx(224, abs=2)


def test_values_that_a_decision_did_not_compare_are_not_shown():
    push, grasp = make_step("push").decision, make_step("grasp").decision
    assert compared(push) == [
        ("Q of this push", 0.9), ("Q of the best push", 0.4),
    ]  # fmt: skip
    assert compared(grasp) == [("Q of this grasp", 0.9)]
    clearing = dataclasses.replace(grasp, q_grasp=0.12)
    assert compared(clearing)[1] == ("Q of grasping without clearing first", 0.12)
    assert compared(make_step(None).decision) == [("Q of the best grasp", 0.9)]


def test_only_the_chosen_action_is_drawn_as_chosen():
    step = make_step("push")
    heightmap, q_map = step.observation.heightmap, step.decision.grasp_map
    crop = panels.crop_of(step, 300)
    ring = panels.q_panel(heightmap, q_map, (0, 1), crop, mark_best=True)
    plain = panels.q_panel(heightmap, q_map, (0, 1), crop, mark_best=False)
    changed = np.argwhere((ring != plain).any(-1))
    assert np.ptp(changed, axis=0).max() < 32, "a ring, no arrow and no jaw"


def test_a_picture_needs_neither_frame_nor_maps():
    step = make_step(None, hidden=True)
    nothing = np.full(WORKSPACE.shape, np.nan, np.float32)
    empty = Observation(
        Heightmap(np.zeros((*WORKSPACE.shape, 3), np.uint8), nothing, WORKSPACE),
        np.zeros(WORKSPACE.shape, np.int32),
        np.zeros(WORKSPACE.shape, bool), np.zeros(WORKSPACE.shape, bool),
    )  # fmt: skip
    target = Target(empty.goal, True, 0, 1.0, "")
    decision = Decision(None, target, float("nan"), float("nan"), None, None, "nothing there")
    bare = Step(**{**vars(step), "observation": empty, "decision": decision})
    assert decision_picture(bare, goal_rgb=RED).shape == (SIZE[1], SIZE[0], 3)


def test_maps_have_y_up_and_agree_with_the_workspace():
    crop = panels.Crop(0, 0, WORKSPACE.n_pixels, 448)
    mask = np.zeros(WORKSPACE.shape, bool)
    mask[200, 20] = True  # large y, small x: upper left
    rows, columns = np.nonzero(crop.enlarge(mask.astype(np.uint8), smooth=False))
    x, y = crop.at(200, 20)
    assert abs(rows.mean() + 0.5 - y) < 1
    assert abs(columns.mean() + 0.5 - x) < 1
    assert y < 60
    assert x < 60


def test_the_crop_holds_all_objects_and_marks_what_is_unseen():
    step = make_step("push")
    crop = panels.crop_of(step, 300)
    for row, column in np.argwhere(step.observation.objects):
        assert (crop.at(row, column) > 0).all()
        assert (crop.at(row, column) < 300).all()
    panel = panels.height_panel(step.observation.heightmap, crop)
    x, y = crop.at(145, 145).astype(int)
    assert tuple(panel[y, x]) in (UNSEEN, UNSEEN_STRIPE)
    outlined = panels.color_panel(step, crop, ActionGeometry())
    assert (outlined == GOAL).all(-1).any()


def test_wrapped_text_keeps_its_words_and_its_width():
    text = "the goal shows 0 px, not over 5: the highest object, 81 mm, instead"
    lines = wrap(text, 200, 18)
    assert " ".join(lines) == text
    assert len(lines) > 1


def test_pictures_of_a_heightmap_hatch_unseen_cells() -> None:
    heightmap = make_step().observation.heightmap
    n = WORKSPACE.n_pixels
    colors, heights = color_picture(heightmap), height_picture(heightmap)
    assert colors.shape == (3 * n, 3 * n, 3)
    assert heights.shape == (3 * n + 40, 3 * n, 3)
    row, column = 3 * (n - 1 - 145) + 1, 3 * 145 + 1  # +y is up
    assert tuple(colors[row, column]) in (UNSEEN, UNSEEN_STRIPE)
    assert tuple(heights[row + 40, column]) in (UNSEEN, UNSEEN_STRIPE)
    assert tuple(colors[3 * (n - 1 - 110) + 1, 3 * 100 + 1]) == RED
