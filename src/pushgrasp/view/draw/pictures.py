"""The picture of one decision: observation, target, chosen action and outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from ...interfaces import RGBDFrame
from ...perception.colors import format_color
from ...perception.heightmap import Heightmap
from . import panels
from .actions import ActionGeometry, draw_action, draw_scale_bar
from .sheet import (
    BAD,
    CARD,
    GOAL,
    GOOD,
    INK,
    LINE,
    MUTED,
    RIM,
    TARGET,
    Color,
    Picture,
    Sheet,
    colored,
    hatch,
    wrap,
)
from .words import action_words, caption, outcome_words, plain_words, plural, q_words, went_well

if TYPE_CHECKING:
    from ...policy.base import Decision
    from ...retrieve import Step

SIZE = (1800, 1040)  # pixels, width and height
_SIDE = 428  # pixels of a panel
_LEFT, _TOP, _GAP = 452, 96, 16
_SIDEBAR = 400  # pixels


def decision_picture(
    step: Step,
    frame: RGBDFrame | None = None,
    *,
    goal_rgb: Color,
    goal_name: str = "",
    geometry: ActionGeometry | None = None,
) -> Picture:
    """Draw one decision on one sheet.

    Args:
        step: what was seen, decided and done.
        frame: the camera image that the decision was taken from; None leaves it out.
        goal_rgb: the goal's colour, sRGB.
        goal_name: what to call the goal.
        geometry: what the action is drawn with; None: the standard jaw and primitives.
    Returns:
        (1040, 1800, 3) uint8 sRGB.
    """
    geometry = geometry or ActionGeometry()
    observation, decision = step.observation, step.decision
    heightmap = observation.heightmap
    sheet = Sheet(*SIZE)
    _header(sheet, step)
    workspace, action = heightmap.workspace, decision.action
    _sidebar(sheet, step, goal_rgb, goal_name)

    crop = panels.crop_of(step, _SIDE, frame)
    camera = (
        panels.camera_panel(frame, workspace, _SIDE) if frame is not None else hatch((_SIDE, _SIDE))
    )
    _panel(sheet, 0, 0, camera, "Camera")
    seen = panels.color_panel(step, crop, geometry)
    draw_scale_bar(seen, workspace, crop)
    _panel(sheet, 0, 1, seen, "Colour, from above")
    sheet.text(_corner(0, 1)[0] + 16, _TOP + 30 + _SIDE - 28, "5 cm", 14, CARD, anchor="lb")
    _axes(sheet, *_corner(0, 1), crop)
    _panel(sheet, 0, 2, panels.height_panel(heightmap, crop), "Height above the table")
    top = panels.height_range(heightmap)
    _panel_scale(sheet, 0, 2, panels.HEIGHT_COLORS, "0", f"{100 * top:.0f} cm")
    segmented = f"{plural(int(observation.labels.max(initial=0)), 'object')} segmented by colour"
    _panel(sheet, 1, 0, panels.objects_panel(step, crop), segmented)
    low, high = scale = panels.q_range(decision)
    for column, primitive_name, q_map in (
        (1, "grasp", decision.grasp_map),
        (2, "push", decision.push_map),
    ):
        chosen = action is not None and action.primitive == primitive_name
        picture = panels.q_panel(heightmap, q_map, scale, crop, mark_best=not chosen)
        if chosen:
            draw_action(picture, step, geometry, crop)
        asked = q_map is not None and bool(np.isfinite(q_map).any())
        name = f"Q {primitive_name}"
        title = f"{name}, best rotation" if asked else f"{name}: not needed here"
        if chosen:
            title = f"{name}: chosen" if asked else f"{primitive_name.capitalize()}: chosen"
        elif asked:
            title = f"{name}: not chosen"
        _panel(sheet, 1, column, picture, title)
        if asked:
            _panel_scale(sheet, 1, column, panels.Q_COLORS, f"{low:.1f}", f"{high:.1f}")
    return sheet.picture()


def color_picture(heightmap: Heightmap) -> Picture:
    """Draw a heightmap's colours, unseen cells hatched, three pixels per cell, +y up."""
    return panels.color_of(heightmap, _whole(heightmap))


def height_picture(heightmap: Heightmap) -> Picture:
    """Draw a heightmap's heights, unseen cells hatched, under their colour scale."""
    crop, top = _whole(heightmap), panels.height_range(heightmap)
    sheet = Sheet(crop.side, crop.side + 40)
    sheet.text(12, 20, "Height above the table", 17, INK, bold=True, anchor="lm")
    _scale(sheet, crop.side - 12, 20, panels.HEIGHT_COLORS, "0", f"{100 * top:.0f} cm")
    sheet.paste(panels.height_panel(heightmap, crop), 0, 40)
    return sheet.picture()


def _whole(heightmap: Heightmap) -> panels.Crop:
    n = heightmap.workspace.n_pixels
    return panels.Crop(0, 0, n, 3 * n)


def png(picture: Picture) -> bytes:
    """Encode a picture as a PNG file."""
    ok, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    if not ok:
        raise RuntimeError("OpenCV could not encode a picture")
    return data.tobytes()


def _header(sheet: Sheet, step: Step) -> None:
    sheet.text(24, 22, f"Decision {step.index + 1}", 20, MUTED)
    sheet.fitted(24, 66, caption(step, "goal"), SIZE[0] - 48, 30, bold=True)


def _corner(row: int, column: int) -> tuple[int, int]:
    return _LEFT + column * (_SIDE + _GAP), _TOP + row * (_SIDE + 44)


def _panel(sheet: Sheet, row: int, column: int, picture: Picture, title: str) -> None:
    x, y = _corner(row, column)
    sheet.text(x, y + 15, title, 17, INK, bold=True, anchor="lm")
    sheet.paste(picture, x, y + 30)
    sheet.box(x - 1, y + 29, _SIDE + 2, _SIDE + 2, None, LINE)


def _axes(sheet: Sheet, x: int, y: int, crop: panels.Crop) -> None:
    """Draw the directions of the world's x and y into a panel's lower right corner."""
    middle = np.array([x + _SIDE - 44.0, y + 30 + _SIDE - 44.0])
    for name, yaw in (("x", 0.0), ("y", np.pi / 2)):
        tip = middle + 22 * crop.along(yaw)
        sheet.line(middle, tip, CARD)
        at = middle + 33 * crop.along(yaw)
        sheet.text(at[0], at[1], name, 14, CARD, anchor="mm")


def _panel_scale(sheet: Sheet, row: int, column: int, colors: str, low: str, high: str) -> None:
    """Draw the colour scale at the right end of a panel's title."""
    x, y = _corner(row, column)
    _scale(sheet, x + _SIDE, y + 15, colors, low, high)


def _scale(sheet: Sheet, right: int, middle: int, colors: str, low: str, high: str) -> None:
    """Draw a colour scale that ends at x = right."""
    width, end = 90, right - 58
    bar = colored(np.tile(np.linspace(0, 1, width), (12, 1)), 0, 1, colors)
    sheet.paste(bar, end - width, middle - 6)
    sheet.text(end - width - 6, middle, low, 14, MUTED, anchor="rm")
    sheet.text(end + 6, middle, high, 14, MUTED, anchor="lm")


def _sidebar(sheet: Sheet, step: Step, goal_rgb: Color, goal_name: str) -> None:
    x, width = 24, _SIDEBAR
    y = _TOP + 30
    sheet.box(x, y - 1, width, 2 * _SIDE + 46, CARD, LINE)
    x, width, y = x + 22, width - 44, y + 22
    decision, target = step.decision, step.decision.target

    def field(name: str, text: str, color: Color = INK, size: int = 19) -> None:
        nonlocal y
        sheet.text(x, y, name, 15, MUTED)
        y += 22
        for line in wrap(text, width, size)[:5]:
            sheet.text(x, y, line, size, color)
            y += size + 7
        y += 13

    sheet.text(x, y, "Goal", 15, MUTED)
    y += 24
    sheet.box(x, y, 22, 22, goal_rgb, RIM)
    name = goal_name or format_color(goal_rgb)
    sheet.text(x + 32, y + 11, f"{name}, {target.visible_px} pixels seen", 19, INK, anchor="lm")
    y += 42
    good = went_well(step)
    field("Action", action_words(decision.action), size=17)
    field("Outcome", f"{'✓' if good else '✗'} {outcome_words(step)}", GOOD if good else BAD)
    now = "the goal" if target.is_goal else "another object"
    field("Target", f"{now}; {plain_words(target.why)}" if target.why else now, size=17)
    why = (decision.action.why if decision.action else "") or decision.why
    if why:
        field("Why this action", plain_words(why), size=17)
    for name, value in compared(decision):
        y = _bar(sheet, x, y, width, name, value, panels.q_range(decision))
    times = f"decided in {1e3 * step.decision_s:.0f} ms, executed in {step.action_s:.1f} s"
    sheet.text(x, y, times, 15, MUTED)
    _legend(sheet, x, _TOP + 30 + 2 * _SIDE + 44 - 150)


def compared(decision: Decision) -> list[tuple[str, float]]:
    """List the values that a decision compared, the chosen action's first."""
    action = decision.action
    rows: list[tuple[str, float]] = []
    chosen = np.nan if action is None else action.q
    if action is not None and np.isfinite(chosen):
        rows.append((f"Q of this {action.primitive}", chosen))
    if np.isfinite(decision.q_grasp) and decision.q_grasp != chosen:
        clears = action is not None and action.primitive == "grasp"
        name = "Q of grasping without clearing first" if clears else "Q of the best grasp"
        rows.append((name, decision.q_grasp))
    if np.isfinite(decision.q_push) and decision.q_push != chosen:
        rows.append(("Q of the best push", decision.q_push))
    return rows


def _bar(
    sheet: Sheet, x: int, y: int, width: int, name: str, value: float, scale: tuple[float, float]
) -> int:
    sheet.text(x, y, name, 15, MUTED)
    sheet.text(x + width, y - 2, q_words(value), 19, INK, bold=True, anchor="ra")
    sheet.box(x, y + 26, width, 10, LINE, None)
    low, high = scale
    if np.isfinite(value):
        share = np.clip((value - low) / max(high - low, 1e-9), 0.0, 1.0)
        sheet.box(x, y + 26, max(6, round(share * width)), 10, (58, 82, 139), None)
    return y + 52


def _legend(sheet: Sheet, x: int, y: int) -> None:
    for color, text in ((GOAL, "outline of the goal"), (TARGET, "outline of another target")):
        sheet.box(x, y, 26, 18, None, RIM)
        sheet.box(x + 1, y + 1, 24, 16, None, color)
        sheet.box(x + 2, y + 2, 22, 14, None, color)
        sheet.text(x + 38, y + 9, text, 15, MUTED, anchor="lm")
        y += 27
    ring = np.full((18, 26, 3), CARD, np.uint8)
    panels.mark(ring, (13, 9), 6)
    sheet.paste(ring, x, y)
    sheet.text(x + 38, y + 9, "best pixel, if not chosen", 15, MUTED, anchor="lm")
    sheet.paste(hatch((18, 26)), x, y + 27)
    sheet.text(x + 38, y + 36, "not seen by the camera", 15, MUTED, anchor="lm")
    sheet.text(x, y + 56, "Maps are turned: the camera is below them.", 15, MUTED)
