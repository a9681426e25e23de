"""The goal among other things: found in other light, distinguished, or said to be in doubt."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from pictures import BLUE, COOL, GREEN, RED, WARM, Ball, Box, picture

from pushgrasp.interfaces import RGBDFrame
from pushgrasp.perception.goal import Goal
from pushgrasp.perception.heightmap import project_pixels
from pushgrasp.perception.light import SAME_LIGHT, angle_between
from pushgrasp.perception.likeness import color_distances
from pushgrasp.perception.matching import goal_pixels
from pushgrasp.perception.observation import Observation
from pushgrasp.perception.perceive import Perception, observe
from pushgrasp.workspace import Workspace

Color = tuple[int, int, int]
OTHERS = (
    Box((-0.58, 0.10), (0.025, 0.03, 0.03), BLUE),
    Box((-0.42, -0.10), (0.025, 0.03, 0.025), GREEN),
)
COLORS = {
    "banana": (215, 170, 75), "carrot": (205, 65, 25), "light blue": (90, 150, 190),
    "wood": (176, 130, 90), "brown": (106, 73, 40), "dark green": (37, 60, 24),
    "pink": (215, 140, 160), "white": (210, 210, 205),
}  # fmt: skip


def median(frame: RGBDFrame, number: npt.NDArray[np.int64], n: int = 1) -> Color:
    r, g, b = (int(v) for v in np.median(frame.color[number == n], axis=0))
    return r, g, b


def cells(
    frame: RGBDFrame, number: npt.NDArray[np.int64], seen: Observation
) -> npt.NDArray[np.int64]:
    """(H, W) the thing that each raised cell shows; 0 for none."""
    _, pixel = project_pixels(frame, Workspace())
    there = np.where(pixel >= 0, number.reshape(-1)[np.maximum(pixel, 0)], 0)
    return np.where(seen.objects, there, 0)


@pytest.mark.parametrize("name", COLORS)
def test_a_shaded_glossy_thing_under_two_lamps_is_whole(name: str) -> None:
    things = (Ball((-0.5, 0.0), 0.035, COLORS[name]), *OTHERS)
    frame, number = picture(*things, lamp=WARM, sky=COOL, gloss=0.3, noise=2, depth_noise=0.001)
    seen = observe(frame, median(frame, number))
    own = cells(frame, number, seen)
    assert seen.goal[own == 1].mean() > 0.9
    assert not (seen.goal & (own > 1)).any()
    assert (np.bincount(seen.labels[own == 1])[1:] > 0.03 * (own == 1).sum()).sum() == 1


@pytest.mark.parametrize("name", COLORS)
def test_a_colour_read_by_lamplight_is_found_by_daylight(name: str) -> None:
    things = (Ball((-0.5, 0.0), 0.035, COLORS[name]), *OTHERS)
    told = median(*picture(*things, lamp=WARM, sky=WARM))
    frame, number = picture(*things, lamp=COOL, sky=COOL, noise=2, depth_noise=0.001)
    seen = observe(frame, told)
    own = cells(frame, number, seen)
    assert seen.goal[own == 1].mean() > 0.5
    assert not (seen.goal & (own > 1)).any()


def encoded(light: npt.ArrayLike) -> Color:
    """Encode linear light, 0 to 1, with the gamma of sRGB."""
    value = 255 * (1.055 * np.asarray(light) ** (1 / 2.4) - 0.055)
    r, g, b = (int(v) for v in np.rint(value))
    return r, g, b


@pytest.mark.parametrize("light", [(0.02, 0.03, 0.09), (0.08, 0.03, 0.012)])
def test_a_dark_colour_read_in_shade_is_found_in_the_light(light: tuple[float, ...]) -> None:
    """A camera's gamma turns the direction of a dark colour when its brightness changes."""
    seen = np.array(encoded(light), np.float32)
    told = np.array(encoded(0.3 * np.array(light)), np.float32)
    assert angle_between(seen, told) > np.radians(2.7)
    frame, number = picture(Ball((-0.5, 0.0), 0.035, encoded(light)), *OTHERS)
    here = observe(frame, encoded(0.3 * np.array(light)))
    own = cells(frame, number, here)
    assert here.goal[own == 1].mean() > 0.8
    assert not (here.goal & (own > 1)).any()
    light_now = SAME_LIGHT.lights[0]
    assert color_distances(seen[None], told[None], light_now)[0, 0] < np.radians(0.6)
    pixels = np.repeat(seen[None].astype(np.uint8), 300, 0)
    goal = Goal(color=encoded(0.3 * np.array(light))).appearance()
    assert goal is not None
    assert goal_pixels(pixels, goal, SAME_LIGHT).all()


def test_a_blurred_edge_that_has_the_goals_colour_by_chance_is_not_the_goal() -> None:
    for noise, found in ((0.0, True), (1.0, False)):
        frame, number = picture(*OTHERS, noise=noise)
        rows, columns = np.nonzero(number == 1)
        row, column = int(np.percentile(rows, 20)), int(columns.mean())
        color = frame.color.copy()
        color[row : row + 3, column : column + 3] = RED
        seen = observe(replace(frame, color=color), RED)
        assert seen.goal.any() == found
        assert seen.notes == ()


def test_on_an_unknown_table_the_tables_colour_tells_the_light() -> None:
    wood, things = (176, 130, 90), (Ball((-0.5, 0.0), 0.035, (90, 150, 190)), *OTHERS)
    lamplight, number = picture(*things, lamp=WARM, sky=WARM, table=wood)
    told, table = median(lamplight, number), median(lamplight, number, 0)
    frame, number = picture(*things, lamp=COOL, sky=COOL, table=wood, noise=2)
    assert not observe(frame, told).goal.any()
    seen = observe(frame, Goal(color=told, table=table))
    own = cells(frame, number, seen)
    assert seen.goal[own == 1].mean() > 0.5
    assert not (seen.goal & (own > 1)).any()


def test_two_things_of_one_colour_apart_are_ambiguous_and_both_are_named() -> None:
    two = (
        Box((-0.55, 0.09), (0.025, 0.025, 0.025), RED),
        Box((-0.45, -0.09), (0.03, 0.025, 0.02), RED),
    )
    frame, number = picture(*two)
    seen = observe(frame, median(frame, number))
    assert "cannot be told from another thing" in seen.ambiguous
    assert "(-0.5" in seen.ambiguous
    assert "(-0.4" in seen.ambiguous


def test_a_goal_that_later_cannot_be_told_from_another_thing_is_noted() -> None:
    hidden, _ = picture(*OTHERS)
    frame, _ = picture(
        Box((-0.55, 0.09), (0.025, 0.025, 0.025), RED),
        Box((-0.45, -0.09), (0.03, 0.025, 0.02), RED),
    )
    perception = Perception(RED)
    assert perception.look(hidden).notes == ()
    assert "either may be taken" in perception.look(frame).notes[0]


def test_the_twin_of_a_goal_that_was_shown_is_named_at_the_first_look() -> None:
    frame, number = picture(
        Box((-0.55, 0.09), (0.025, 0.025, 0.025), RED),
        Box((-0.45, -0.09), (0.03, 0.025, 0.02), RED),
    )
    perception = Perception(Goal(mask=number == 1))
    seen = perception.look(frame)
    own = cells(frame, number, seen)
    assert seen.goal.any()
    assert not (seen.goal & (own == 2)).any()
    assert seen.ambiguous == ""
    assert "the one that was shown is taken now" in seen.notes[-1]


def test_of_two_things_of_like_colours_the_nearer_one_is_the_goal_and_the_other_is_named() -> None:
    like = (205, 62, 40)
    two = (
        Box((-0.55, 0.09), (0.025, 0.025, 0.025), RED),
        Box((-0.45, -0.09), (0.03, 0.025, 0.02), like),
    )
    frame, number = picture(*two, noise=1, table=(200, 200, 195))
    seen = observe(frame, median(frame, number))
    own = cells(frame, number, seen)
    assert seen.goal[own == 1].mean() > 0.9
    assert not (seen.goal & (own == 2)).any()
    assert seen.ambiguous == ""


def test_parts_of_one_thing_under_another_are_not_ambiguous() -> None:
    goal = Box((-0.5, 0.0), (0.05, 0.02, 0.02), RED)
    over = Box((-0.5, 0.0), (0.012, 0.05, 0.012), BLUE, bottom=0.04)
    frame, number = picture(goal, over)
    seen = observe(frame, median(frame, number))
    own = cells(frame, number, seen)
    assert seen.ambiguous == ""
    assert seen.goal[own == 1].mean() > 0.9


@pytest.mark.parametrize("turn", [4.5, 7.0])
def test_a_thing_of_nearly_the_goals_hue_is_not_taken_while_the_goal_is_hidden(turn: float) -> None:
    """Turned by so many degrees from the goal's colour; on the table that is known."""
    red = np.array(RED, float)
    side = np.cross(red, np.cross(red, (0, 1, 0)))
    side *= -np.linalg.norm(red) / np.linalg.norm(side)
    like = np.clip(np.cos(np.radians(turn)) * red + np.sin(np.radians(turn)) * side, 0, 255)
    r, g, b = (int(v) for v in like)
    frame, _ = picture(Box((-0.55, 0.09), (0.025, 0.025, 0.025), (r, g, b)), *OTHERS)
    alone = picture(Box((-0.55, 0.09), (0.025, 0.025, 0.025), RED))
    seen = observe(frame, median(*alone))
    assert not seen.goal.any()
    if turn < 5:
        assert "is not taken for it" in seen.notes[0]


def test_a_thing_whose_colour_is_off_by_much_is_taken_only_with_a_word() -> None:
    there = Box((-0.55, 0.09), (0.025, 0.025, 0.025), (192, 60, 42))
    table = (176, 130, 90)
    lamplight, number = picture(there, lamp=WARM, sky=WARM, table=table)
    told = Goal(color=RED, table=median(lamplight, number, 0))
    frame, number = picture(there, *OTHERS, table=table)
    seen = observe(frame, told)
    assert seen.goal.any()
    assert "taken for the goal though its colour is" in seen.notes[0]
    exact = observe(frame, Goal(color=median(frame, number), table=median(frame, number, 0)))
    assert exact.goal.sum() > 300
    assert exact.notes == ()


def test_a_printed_goal_is_found_by_its_picture_and_things_of_one_of_its_colours_are_not() -> None:
    white = (215, 215, 210)
    printed = Box((-0.52, 0.03), (0.04, 0.03, 0.03), RED, stripe=white)
    plain = Box((-0.42, -0.10), (0.025, 0.03, 0.025), white)
    frame, number = picture(printed, plain, noise=1)
    cut_out = np.dstack([frame.color, 255 * (number == 1).astype(np.uint8)])
    seen = observe(frame, Goal(picture=cut_out))
    own = cells(frame, number, seen)
    assert seen.goal[own == 1].mean() > 0.8
    assert not (seen.goal & (own == 2)).any()
    without, number = picture(plain, noise=1)
    assert not observe(without, Goal(picture=cut_out)).goal.any()


def test_a_goal_shown_in_the_first_frame_is_found_in_later_light() -> None:
    things = (Ball((-0.5, 0.0), 0.035, (90, 150, 190)), *OTHERS)
    frame, number = picture(*things, lamp=WARM, sky=WARM, table=(170, 170, 165))
    perception = Perception(Goal(mask=number == 1))
    assert perception.look(frame).goal.any()
    assert perception.appearance is not None
    frame, number = picture(*things, lamp=COOL, sky=COOL, table=(170, 170, 165), noise=2)
    seen = perception.look(frame)
    own = cells(frame, number, seen)
    assert seen.goal[own == 1].mean() > 0.5
    assert not (seen.goal & (own > 1)).any()


def test_in_the_hand_pixels_count_only_if_their_mean_is_the_goals() -> None:
    goal = Goal(color=RED).appearance()
    assert goal is not None
    rng = np.random.default_rng(0)
    own = np.clip(np.array(RED) * rng.uniform(0.6, 1, (500, 1)), 0, 255).astype(np.uint8)
    assert goal_pixels(own, goal, SAME_LIGHT).all()
    other = np.clip(np.array((205, 70, 40)) * rng.uniform(0.6, 1, (500, 1)), 0, 255).astype(
        np.uint8
    )
    assert not goal_pixels(other, goal, SAME_LIGHT).any()
    assert (
        goal_pixels(np.concatenate([own, np.full((900, 3), 90, np.uint8)]), goal, SAME_LIGHT).sum()
        == 500
    )
    assert len(goal_pixels(own[:0], goal, SAME_LIGHT)) == 0


def test_a_view_without_a_goal_finds_objects_only() -> None:
    frame, _ = picture(*OTHERS)
    seen = Perception(None).look(frame)
    assert seen.labels.max() == 2
    assert not seen.goal.any()


def test_labels_are_ordered_by_size() -> None:
    frame, _ = picture(*OTHERS, Ball((-0.5, 0.0), 0.02, RED))
    sizes = np.bincount(observe(frame, RED).labels.reshape(-1))[1:]
    assert all(a >= b for a, b in pairwise(sizes))


def test_an_empty_table_has_no_goal() -> None:
    frame, _ = picture()
    for goal in (RED, Goal(picture=np.full((20, 20, 4), 255, np.uint8))):
        seen = observe(frame, goal)
        assert not seen.goal.any()
        assert seen.labels.max() == 0


@pytest.mark.parametrize("split", ["balls", "heights"])
def test_touching_twins_that_depth_separates_are_both_named(split: str) -> None:
    twins = (
        (Ball((-0.5, 0.0), 0.03, RED), Ball((-0.5, 0.06), 0.03, RED))
        if split == "balls"
        else (
            Box((-0.5, 0.0), (0.03, 0.03, 0.04), RED),
            Box((-0.5, 0.06), (0.03, 0.03, 0.02), RED),
        )
    )
    other = Box((-0.6, -0.12), (0.02, 0.02, 0.02), BLUE)
    frame, number = picture(*twins, other, noise=2.0, depth_noise=0.0005)
    color = tuple(np.median(frame.color[number == 1], axis=0).astype(int).tolist())
    seen = observe(frame, color, segmenter="depth")
    ys = [float(y) for y in re.findall(r"at \(\S+, (\S+)\) m", seen.ambiguous)]
    assert sorted(ys) == pytest.approx([0.0, 0.06], abs=0.005)
    assert seen.ambiguous.endswith("which touch")
    assert not observe(frame, color).ambiguous, "by colour alone they are one"
    both = (number > 0) & (number < 3)
    shown = observe(frame, Goal(mask=both), segmenter="depth")
    assert not shown.ambiguous, "who draws a mask knows what it shows"
    assert "shows two things" in " ".join(shown.notes)


def test_one_thing_of_one_colour_is_no_twin_of_itself() -> None:
    for thing in (Box((-0.5, 0.0), (0.05, 0.02, 0.03), RED), Ball((-0.5, 0.0), 0.04, RED)):
        frame, number = picture(thing, noise=2.0, depth_noise=0.0005)
        color = tuple(np.median(frame.color[number == 1], axis=0).astype(int).tolist())
        seen = observe(frame, color, segmenter="depth")
        assert not seen.ambiguous
        assert "another thing" not in " ".join(seen.notes)


SHADES = [
    ((225, 225, 220), (95, 95, 94)), ((110, 110, 110), (225, 225, 222)),
    ((110, 72, 45), (220, 144, 90)), ((100, 20, 18), (225, 45, 40)), ((35, 45, 85), (80, 103, 195)),
]  # fmt: skip


@pytest.mark.parametrize(("color", "other"), SHADES)
def test_a_hidden_goal_is_not_silently_another_thing_of_its_hue(color: Color, other: Color) -> None:
    alone = picture(Ball((-0.5, 0.0), 0.035, color))
    decoy = Box((-0.58, 0.10), (0.025, 0.03, 0.03), other)
    frame, _ = picture(decoy, OTHERS[1], noise=2, depth_noise=0.001)
    seen = observe(frame, median(*alone))
    assert seen.notes
    shown = np.dstack([alone[0].color, 255 * (alone[1] == 1).astype(np.uint8)])
    seen = observe(frame, Goal(picture=shown, table=median(*alone, n=0)))
    assert seen.goal.sum() < 20
    assert "as bright as expected" in seen.notes[0] or not seen.goal.any()


@pytest.mark.parametrize(("color", "other"), SHADES)
def test_of_two_things_of_one_hue_brightness_tells_the_goal(color: Color, other: Color) -> None:
    ball = Ball((-0.5, 0.0), 0.035, color)
    alone = picture(ball)
    frame, number = picture(ball, Box((-0.58, 0.10), (0.025, 0.03, 0.03), other), noise=2)
    shown = np.dstack([alone[0].color, 255 * (alone[1] == 1).astype(np.uint8)])
    seen = observe(frame, Goal(picture=shown, table=median(*alone, n=0)))
    own = cells(frame, number, seen)
    assert seen.ambiguous == ""
    assert seen.goal[own == 1].mean() > 0.9
    assert not (seen.goal & (own == 2)).any()


@pytest.mark.parametrize("turn", [2.5, 3.5])
def test_a_thing_some_degrees_off_is_taken_with_a_word_only(turn: float) -> None:
    red = np.array(RED, float)
    side = np.cross(red, np.cross(red, (0, 1, 0)))
    side *= -np.linalg.norm(red) / np.linalg.norm(side)
    like = np.clip(np.cos(np.radians(turn)) * red + np.sin(np.radians(turn)) * side, 0, 255)
    r, g, b = (int(v) for v in like)
    frame, _ = picture(Box((-0.55, 0.09), (0.025, 0.025, 0.025), (r, g, b)), *OTHERS, noise=1)
    assert observe(frame, median(*picture(Box((-0.55, 0.09), (0.025, 0.025, 0.025), RED)))).notes


def test_in_the_hand_a_thing_of_the_goals_hue_but_another_brightness_is_not_the_goal() -> None:
    goal = Goal(color=(225, 225, 220)).appearance()
    assert goal is not None
    grey = np.full((500, 3), 105, np.uint8)
    assert not goal_pixels(grey, goal, SAME_LIGHT).any()
    assert goal_pixels(np.full((500, 3), 200, np.uint8), goal, SAME_LIGHT).all()
