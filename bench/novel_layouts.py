"""Rough layouts of the novel scenes; `design_novel` makes their files from them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """A scene before it has settled; its first object is the goal."""

    description: str
    objects: tuple[tuple[str, float, float, float, str], ...]
    """In the order of placing: shape, x and y in mm from the workspace's centre, yaw in degrees,
    and orientation: up (as modelled), over (upside down), lying (its z axis along x), side (its y
    axis up) or tail (its x axis up). The camera looks along +x, 45 degrees down."""


LAYOUTS: tuple[Layout, ...] = (
    Layout(
        "breakfast: the cup stands behind the milk and the can, a spoon in it",
        (
            ("cup", 25, 0, 60, "up"),
            ("milk_carton", -56, 18, 15, "up"),
            ("can", -38, -56, 0, "up"),
            ("bowl", 50, -100, 0, "up"),
            ("matchbox", 52, 92, 10, "up"),
            ("banana", 45, 138, 10, "up"),
            ("egg", 45, -105, 0, "lying"),
            ("tin", 105, 5, 0, "up"),
            ("lemon", 103, 5, 30, "up"),
            ("pear", -44, 96, 0, "up"),
            ("spoon", 25, 2, 75, "tail"),
        ),
    ),
    Layout(
        "fruit under tools: the banana lies under a hammer, behind a can and a roll of tape",
        (
            ("banana", 0, 0, 80, "up"),
            ("can", -55, -22, 0, "up"),
            ("toy_brick", -22, -82, 20, "up"),
            ("tape_roll", -72, 55, 0, "up"),
            ("light_bulb", -72, 55, 0, "up"),
            ("t_pipe", 72, -25, 10, "up"),
            ("hammer", 15, 12, 20, "up"),
            ("wrench", 35, -52, -75, "up"),
            ("tin", 100, -130, 0, "up"),
            ("screwdriver", 0, 62, 75, "up"),
            ("padlock", -98, -64, 20, "up"),
        ),
    ),
    Layout(
        "toys and stationery: the building brick between boxes",
        (
            ("toy_brick", 0, 0, 75, "up"),
            ("puzzle_cube", -62, 5, 10, "up"),
            ("matchbox", 10, 62, 15, "up"),
            ("tape_roll", 30, -75, 0, "up"),
            ("stapler", 52, 10, 75, "up"),
            ("mug", -112, 85, 150, "up"),
            ("glue_stick", 10, 55, 30, "lying"),
            ("padlock", -70, -72, 20, "up"),
            ("tin", 30, -75, 0, "up"),
            ("screwdriver", 5, -5, 110, "up"),
            ("bracket", 112, -80, 90, "up"),
            ("egg", -101, 78, 0, "up"),
        ),
    ),
    Layout(
        "the glue stick lies behind a blue carton, out of sight",
        (
            ("glue_stick", 10, 0, 90, "lying"),
            ("milk_carton", -36, 6, 90, "lying"),
            ("stapler", 48, -8, 85, "up"),
            ("shampoo_bottle", -85, 52, 75, "up"),
            ("mug", -20, 112, 150, "up"),
            ("padlock", -48, -92, 15, "up"),
            ("wrench", -5, -8, 20, "up"),
            ("matchbox", 104, 122, 100, "up"),
            ("lemon", -9, 105.5, 0, "lying"),
            ("t_pipe", 25, -98, 60, "up"),
            ("tape_roll", 112, 10, 0, "up"),
            ("pear", 112, 10, 0, "up"),
        ),
    ),
    Layout(
        "workshop: the screwdriver under a hammer, behind a spray bottle and a can",
        (
            ("screwdriver", 0, 0, 90, "up"),
            ("spray_bottle", -46, 44, 90, "lying"),
            ("can", -50, -68, 0, "up"),
            ("t_pipe", 50, 20, 40, "up"),
            ("tape_roll", 66, -70, 0, "up"),
            ("tin", 66, -70, 0, "up"),
            ("hammer", 10, 35, 10, "up"),
            ("puzzle_cube", 10, 112, 30, "up"),
            ("bracket", -108, -66, 100, "up"),
            ("wrench", -10, -30, 60, "up"),
            ("light_bulb", -105, 60, 60, "lying"),
            ("padlock", 66, -70, 60, "side"),
            ("glue_stick", 105, 60, 0, "up"),
        ),
    ),
    Layout(
        "a shelf cleared in a hurry: the pear lies among bottles, under a spoon",
        (
            ("pear", 10, 0, 30, "lying"),
            ("bottle", -50, 25, 0, "up"),
            ("shampoo_bottle", -48, -32, 100, "up"),
            ("mug", 25, -85, 210, "up"),
            ("bowl", 30, 98, 0, "over"),
            ("spray_bottle", 80, 0, 80, "up"),
            ("cup", -40, 98, 0, "up"),
            ("spoon", 10, 0, 95, "up"),
            ("tin", 30, 98, 0, "up"),
            ("milk_carton", -115, -40, 40, "lying"),
            ("stapler", 95, -70, 80, "up"),
            ("toy_brick", -110, -42, 60, "up"),
            ("lemon", -55, -90, 20, "up"),
            ("light_bulb", 110, 80, 0, "lying"),
        ),
    ),
)
