"""The options by which a person shows the goal, and chooses what finds it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from ..errors import UserError

if TYPE_CHECKING:
    from ..perception.goal import Goal

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".heic")


@dataclass(frozen=True, kw_only=True)
class GoalConfig:
    """Descriptions of the goal for the robot. In simulation, `--goal` also names the object."""

    goal_region: Annotated[
        tuple[int, int, int, int] | None,
        tyro.conf.arg(metavar="ROW COLUMN HEIGHT WIDTH", help_behavior_hint="(default: none)"),
    ] = None
    """Pixels of --goal's photo, or of the first frame if --goal is no photo, that show the goal."""
    goal_mask: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE.png", help_behavior_hint="(default: none)")
    ] = None
    """Mask of the first frame, white where the goal is."""
    goal_name: Annotated[
        str | None, tyro.conf.arg(metavar="WORDS", help_behavior_hint="(default: none)")
    ] = None
    """What the goal is called, for a --segmenter that understands words."""
    table_color: Annotated[
        str | None, tyro.conf.arg(metavar="COLOUR", help_behavior_hint="(default: not known)")
    ] = None
    """The table's colour in the light in which --goal's colour was read."""
    segmenter: Annotated[str, tyro.conf.arg(metavar="color|depth|FILE.py:CLASS")] = "color"
    """How objects are segmented; depth also splits touching objects of one colour."""

    def told_goal(self, goal: str | None) -> tuple[Goal | None, str | None]:
        """Read how the goal is described.

        Args:
            goal: the value of --goal: a picture's path, or what names an object.
        Returns:
            The goal that the robot gets (None: the object's own colour), and the part of --goal
            that names an object (None: it is a picture).
        Raises:
            UserError: two ways at once, or a file that cannot be used.
        """
        from ..perception.colors import parse_color
        from ..perception.goal import Goal

        is_picture = goal is not None and goal.lower().endswith(PICTURES)
        ways = {
            "a picture": is_picture,
            "a mask": self.goal_mask is not None,
            "a region": self.goal_region is not None and not is_picture,
            "a name": self.goal_name is not None,
            "a colour and the table's": self.table_color is not None and not is_picture,
        }
        given = [way for way, is_given in ways.items() if is_given]
        if len(given) > 1:
            raise UserError(f"the goal is told by {' and by '.join(given)}; give one of them")
        if self.goal_name is not None:
            if not self.goal_name.strip():
                raise UserError("--goal-name is empty; say what the goal is called")
            named = Goal(name=self.goal_name)
            if self.segmenter in ("color", "depth"):
                named.check_visible()
            return named, goal
        if self.goal_mask is not None:
            return Goal.from_mask(self.goal_mask), goal
        if is_picture:
            assert goal is not None
            told = Goal.from_picture(goal, self.goal_region)
            if self.table_color is not None:
                told = replace(told, table=parse_color(self.table_color))
            return told, None
        if self.goal_region is not None:
            return Goal(box=self.goal_region), goal
        if self.table_color is not None:
            if goal is None or goal.strip().lstrip("+-").isdigit():
                raise UserError("--table-color goes with a colour as --goal")
            return Goal(color=parse_color(goal), table=parse_color(self.table_color)), goal
        return None, goal
