"""The picture of one decision: what was seen, what was wanted, what was chosen, what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from ...interfaces import RGBDFrame
from ...perception.colors import format_color
from . import panels
from .canvas import (
    BAD,
    CARD,
    GOAL,
    GOOD,
    INK,
    LINE,
    MUTED,
    RIM,
    TARGET,
    Canvas,
    Picture,
    colored,
    hatch,
    wrap,
)
from .words import action_words, headline, outcome_words, q_words, went_well

if TYPE_CHECKING:
    from ...retrieve import Step

SIZE = (1800, 1040)  # pixels, width and height
_SIDE = 428  # pixels of a panel
_LEFT, _TOP, _GAP = 452, 96, 16
_SIDEBAR = 400  # pixels


def decision_picture(
    step: Step,
    frame: RGBDFrame | None = None,
    *,
    goal_rgb: tuple[int, int, int],
    goal_name: str = "",
    lengths: panels.Lengths | None = None,
) -> Picture:
    """One decision on one sheet.

    Args:
        step: what was seen, decided and done.
        frame: the camera's picture that the decision was taken from; None leaves it out.
        goal_rgb: the goal's colour, sRGB.
        goal_name: what to call the goal.
        lengths: what the action is drawn with.
    Returns:
        (1040, 1800, 3) uint8 sRGB.
    """
    lengths = lengths or panels.Lengths()
    observation, decision = step.observation, step.decision
    heightmap = observation.heightmap
    canvas = Canvas(*SIZE)
    _header(canvas, step)
    _sidebar(canvas, step, goal_rgb, goal_name)

    view = panels.view_of(step, _SIDE)
    workspace, action = heightmap.workspace, decision.action
    camera = (
        panels.camera_panel(frame, workspace, _SIDE) if frame is not None else hatch((_SIDE, _SIDE))
    )
    _panel(canvas, 0, 0, camera, "Camera")
    seen = panels.color_panel(step, view, lengths)
    panels.draw_scale_bar(seen, workspace, view)
    _panel(canvas, 0, 1, seen, "Colour, from above")
    canvas.text(_corner(0, 1)[0] + 16, _TOP + 30 + _SIDE - 28, "5 cm", 14, CARD, anchor="lb")
    _panel(canvas, 0, 2, panels.height_panel(heightmap, view), "Height above the table")
    top = panels.height_range(heightmap)
    _scale(canvas, 0, 2, panels.HEIGHT_COLORS, "0", f"{100 * top:.0f} cm")
    n_objects = int(observation.labels.max(initial=0))
    told_apart = f"{n_objects} region{'' if n_objects == 1 else 's'} told apart by colour"
    _panel(canvas, 1, 0, panels.objects_panel(step, view), told_apart)
    low, high = scale = panels.q_range(decision)
    for column, primitive_name, q_map in (
        (1, "grasp", decision.grasp_map),
        (2, "push", decision.push_map),
    ):
        chosen = action is not None and action.primitive == primitive_name
        picture = panels.q_panel(heightmap, q_map, scale, view, mark_best=not chosen)
        if chosen:
            panels.draw_action(picture, action, workspace, lengths, view)
        asked = q_map is not None and bool(np.isfinite(q_map).any())
        title = f"Q {primitive_name}, best rotation" if asked else f"Q {primitive_name}: not asked"
        if chosen and not asked:
            title = f"{primitive_name.capitalize()}, chosen without a map of Q"
        _panel(canvas, 1, column, picture, title)
        if asked:
            _scale(canvas, 1, column, panels.Q_COLORS, f"{low:.1f}", f"{high:.1f}")
    return canvas.picture()


def png(picture: Picture) -> bytes:
    """A picture as the bytes of a PNG file."""
    ok, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    if not ok:
        raise RuntimeError("OpenCV could not encode a picture")
    return data.tobytes()


def _header(canvas: Canvas, step: Step) -> None:
    canvas.text(24, 22, f"Decision {step.index + 1}", 20, MUTED)
    canvas.fitted(24, 66, f"{headline(step)}: {outcome_words(step)}", SIZE[0] - 48, 30, bold=True)


def _corner(row: int, column: int) -> tuple[int, int]:
    return _LEFT + column * (_SIDE + _GAP), _TOP + row * (_SIDE + 44)


def _panel(canvas: Canvas, row: int, column: int, picture: Picture, title: str) -> None:
    x, y = _corner(row, column)
    canvas.text(x, y + 15, title, 17, INK, bold=True, anchor="lm")
    canvas.paste(picture, x, y + 30)
    canvas.box(x - 1, y + 29, _SIDE + 2, _SIDE + 2, None, LINE)


def _scale(canvas: Canvas, row: int, column: int, colors: str, low: str, high: str) -> None:
    """The colour scale at the right end of a panel's title."""
    x, y = _corner(row, column)
    width = 90
    bar = colored(np.tile(np.linspace(0, 1, width), (12, 1)), 0, 1, colors)
    right = x + _SIDE - 58
    canvas.paste(bar, right - width, y + 9)
    canvas.text(right - width - 6, y + 15, low, 14, MUTED, anchor="rm")
    canvas.text(right + 6, y + 15, high, 14, MUTED, anchor="lm")


def _sidebar(canvas: Canvas, step: Step, goal_rgb: tuple[int, int, int], goal_name: str) -> None:
    x, width = 24, _SIDEBAR
    y = _TOP + 30
    canvas.box(x, y - 1, width, 2 * _SIDE + 46, CARD, LINE)
    x, width, y = x + 22, width - 44, y + 22
    decision, target = step.decision, step.decision.target

    def field(name: str, text: str, color: tuple[int, int, int] = INK, size: int = 19) -> None:
        nonlocal y
        canvas.text(x, y, name, 15, MUTED)
        y += 22
        for line in wrap(text, width, size)[:5]:
            canvas.text(x, y, line, size, color)
            y += size + 7
        y += 13

    canvas.text(x, y, "Goal", 15, MUTED)
    y += 24
    canvas.box(x, y, 22, 22, goal_rgb, RIM)
    canvas.text(x + 32, y + 11, goal_name or format_color(goal_rgb), 19, INK, anchor="lm")
    y += 42
    now = "the goal" if target.is_goal else "another object"
    field("Target now", f"{now}; {target.why}" if target.why else now)
    clutter = f"{100 * target.occupancy:.0f} %" if target.mask.any() else "–"
    field("Goal seen, clutter round the target", f"{target.visible_px} px, {clutter}")
    for name, value in (("Q grasp", decision.q_grasp), ("Q push", decision.q_push)):
        y = _bar(canvas, x, y, width, name, value, panels.q_range(decision))
    y += 8
    field("Action", action_words(decision.action), size=17)
    why = (decision.action.why if decision.action else "") or decision.why
    if why:
        field("Why", why, size=17)
    good = went_well(step)
    field("Outcome", f"{'✓' if good else '✗'} {outcome_words(step)}", GOOD if good else BAD)
    canvas.text(
        x, y, f"decided in {1e3 * step.decision_s:.0f} ms, done in {step.action_s:.1f} s", 15, MUTED
    )
    _legend(canvas, x, _TOP + 30 + 2 * _SIDE + 44 - 132)


def _bar(
    canvas: Canvas, x: int, y: int, width: int, name: str, value: float, scale: tuple[float, float]
) -> int:
    canvas.text(x, y, name, 15, MUTED)
    canvas.text(x + width, y - 2, q_words(value), 19, INK, bold=True, anchor="ra")
    canvas.box(x, y + 26, width, 10, LINE, None)
    low, high = scale
    if np.isfinite(value):
        share = np.clip((value - low) / max(high - low, 1e-9), 0.0, 1.0)
        canvas.box(x, y + 26, max(6, round(share * width)), 10, (58, 82, 139), None)
    return y + 52


def _legend(canvas: Canvas, x: int, y: int) -> None:
    for color, text in ((GOAL, "outline of the goal"), (TARGET, "outline of another target")):
        canvas.box(x, y, 26, 18, None, RIM)
        canvas.box(x + 1, y + 1, 24, 16, None, color)
        canvas.box(x + 2, y + 2, 22, 14, None, color)
        canvas.text(x + 38, y + 9, text, 15, MUTED, anchor="lm")
        y += 29
    canvas.paste(hatch((18, 26)), x, y)
    canvas.text(x + 38, y + 9, "not seen by the camera", 15, MUTED, anchor="lm")
    canvas.text(x, y + 38, "maps: x right, y up; the camera is on the left", 15, MUTED, anchor="lm")
