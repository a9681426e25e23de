"""Find the goal in generated pictures: lamps, white balances, tables, prints, a cheap camera.

Pictures are ray-traced here, with numpy alone: linear light of two lamps of different colours, a
highlight, textures, then exposure, white balance, gamma, blur, noise and JPEG as a cheap camera
has them. Every goal is told in another way: by its colour in the same light, by its colour in
another lamp's light together with the table's, by a cut-out from another picture, by a mask.

    python bench/perception.py --pictures 360 --near 120 --shade 120 --docs docs/perception.md
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import common
import cv2
import numpy as np
import numpy.typing as npt
import tyro

from pushgrasp.interfaces import Intrinsics, RGBDFrame
from pushgrasp.perception.camera_file import look_at
from pushgrasp.perception.goal import Goal
from pushgrasp.perception.heightmap import project_pixels, ray_directions
from pushgrasp.perception.perceive import Perception
from pushgrasp.workspace import Workspace

Vector = npt.NDArray[np.float64]
Image = npt.NDArray[np.float64]

# Relative to a camera balanced for daylight. Lamp, and the light that comes from all sides.
LAMPS: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "daylight": ((1.00, 1.00, 1.00), (0.95, 1.00, 1.06)),
    "overcast": ((0.90, 0.98, 1.12), (0.88, 0.97, 1.14)),
    "tungsten": ((1.22, 0.99, 0.72), (1.10, 1.00, 0.86)),
    "warm LED": ((1.12, 1.00, 0.84), (1.00, 1.00, 0.98)),
    "cool LED": ((0.95, 1.00, 1.09), (1.02, 1.00, 0.97)),
    "fluorescent": ((0.95, 1.06, 0.92), (0.90, 1.00, 1.08)),
}
WHITE_BALANCES = {"right": (1.0, 1.0, 1.0), "warm": (1.10, 1.0, 0.90), "cold": (0.91, 1.0, 1.10)}
TABLES: dict[str, tuple[tuple[int, int, int], str]] = {
    "dark": ((62, 66, 72), "plain"),
    "bright": ((205, 203, 196), "plain"),
    "wooden": ((176, 132, 88), "wood"),
}
COLORS: dict[str, tuple[int, int, int]] = {
    "red": (200, 40, 35), "orange": (225, 120, 35), "yellow": (230, 195, 60),
    "lime": (150, 190, 50), "green": (50, 140, 70), "dark green": (40, 75, 45),
    "teal": (40, 140, 140), "light blue": (110, 165, 205), "blue": (45, 75, 170),
    "navy": (35, 45, 85), "purple": (110, 60, 140), "pink": (225, 145, 165),
    "magenta": (190, 50, 120), "brown": (110, 72, 45), "beige": (205, 180, 145),
    "white": (228, 226, 220), "grey": (130, 130, 132),
}  # fmt: skip
FINISHES = ("plain", "printed", "textured")
WAYS = ("color", "other lamp", "cut-out", "mask")
DISTINCT = np.radians(13.0)  # between the goal's colour and those of other things
NEAR = np.radians((7.0, 10.0))  # likewise of one thing that has nearly its colour
DARKER, BRIGHTER = (0.35, 0.62), (1.6, 2.8)  # brightness of one thing over the goal's, of its hue
DECOYS = {"": "all", "near": "and a thing of nearly its colour",
          "shade": "and a thing of its hue, darker or brighter"}  # fmt: skip
EXPOSURE = 0.8


@dataclass(frozen=True)
class Thing:
    """A box, ball or upright cylinder on the table."""

    kind: str
    center: Vector  # (3,) m
    size: Vector  # (3,) m: half sides; radius; radius, radius, half height
    yaw: float
    color: tuple[int, int, int]  # sRGB of its reflectance
    finish: str
    second: tuple[int, int, int]  # of its print
    gloss: float
    seed: int


@dataclass(frozen=True)
class Shot:
    """A picture and its truth."""

    frame: RGBDFrame
    number: npt.NDArray[np.int64]  # (H, W) 0 table, 1.. things
    linear: Image  # (H, W, 3) reflectance times light, before the camera


def linear(srgb: npt.ArrayLike) -> Vector:
    """Undo the gamma of sRGB 0..255."""
    s = np.asarray(srgb, np.float64) / 255
    return np.where(s <= 0.04045, s / 12.92, ((s + 0.055) / 1.055) ** 2.4)


def srgb(light: Image) -> Image:
    """sRGB 0..255, not rounded."""
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def pattern(thing: Thing, local: Image) -> tuple[Image, npt.NDArray[np.bool_]]:
    """Reflectance (N, 3) at points in a thing's own frame, and where it is its main colour."""
    main, second = linear(thing.color), linear(thing.second)
    n = len(local)
    rng = np.random.default_rng(thing.seed)
    if thing.finish == "printed":  # bands and a patch of another colour
        u = local @ _unit(rng.normal(size=3))
        v = local @ _unit(rng.normal(size=3))
        width = rng.uniform(0.010, 0.018)
        printed = (np.floor((u + 1) / width) % 3 == 0) & (v > -0.6 * thing.size.max())
        return np.where(printed[:, None], second, main), ~printed
    if thing.finish == "textured":  # grain: brightness and a little hue
        waves = sum(
            np.sin(local @ (rng.normal(size=3) * f) + rng.uniform(0, 6))
            for f in (150, 300, 600, 900)
        )
        tint = np.stack([1 + 0.10 * waves / 2, 1 + 0.08 * waves / 2, 1 + 0.05 * waves / 2], 1)
        speckle = 1 + 0.10 * rng.normal(size=(n, 1))
        return np.clip(main * tint * speckle, 0.002, 1), np.ones(n, bool)
    return np.broadcast_to(main, (n, 3)), np.ones(n, bool)


def table_reflectance(name: str, xy: Image, seed: int) -> Image:
    """(N, 3) reflectance of a table."""
    color, kind = TABLES[name]
    base = linear(color)
    if kind != "wood":
        return np.broadcast_to(base, (len(xy), 3))
    rng = np.random.default_rng(seed)
    x, y = xy.T
    rings = np.sin(90 * y + 3 * np.sin(7 * x + rng.uniform(0, 6)) + rng.uniform(0, 6))
    fine = np.sin(700 * y + 5 * np.sin(20 * x))
    return base * (1 + 0.13 * rings + 0.05 * fine)[:, None]


def render(
    things: list[Thing], table: str, lamp: str, balance: str, rng: np.random.Generator, *,
    k: Intrinsics, noise: float = 2.5, jpeg: int | None = 88, spread: float = 0.35,
) -> Shot:  # fmt: skip
    """Take a picture.

    Args:
        things, table, lamp, balance: the scene.
        rng: draws the lamp's place and the noise.
        k: the camera's intrinsics.
        noise: standard deviation of the sensor's noise, of 255, at mid grey.
        jpeg: quality, or None.
        spread: share of the light that comes from all sides.
    """
    T = look_at((-1.0, rng.uniform(-0.1, 0.1), 0.55), (-0.5, 0, 0))
    rays = ray_directions(k).reshape(-1, 3) @ T[:3, :3].T
    eye = T[:3, 3]
    t = -eye[2] / np.minimum(rays[:, 2], -1e-6)
    normal = np.zeros_like(rays)
    normal[:, 2] = 1.0
    number = np.zeros(len(rays), int)
    points = eye + t[:, None] * rays
    albedo = table_reflectance(table, points[:, :2], int(rng.integers(1 << 30))).copy()
    gloss = np.zeros(len(rays))
    for n, thing in enumerate(things, 1):
        near = _may_hit(thing, eye, rays)
        hit, where, facing = _intersect(thing, eye, rays[near])
        closer = hit & (where < t[near])
        at = near[closer]
        t[at], number[at], normal[at] = where[closer], n, facing[closer]
        gloss[at] = thing.gloss
        world = eye + where[closer, None] * rays[at]
        albedo[at] = pattern(thing, _to_local(thing, world))[0]
    to_lamp = _unit(np.array([rng.uniform(-0.6, 0.4), rng.uniform(-0.6, 0.6), 1.0]))
    direct, ambient = (np.array(c) for c in LAMPS[lamp])
    facing = np.maximum(normal @ to_lamp, 0)
    points = eye + t[:, None] * rays
    facing *= ~_shadowed(things, points + 1e-3 * normal, to_lamp)
    view = -rays / np.linalg.norm(rays, axis=1, keepdims=True)
    half = view + to_lamp
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    shine = gloss * np.maximum((normal * half).sum(1), 0) ** 40 * (facing > 0)
    sky = 0.6 + 0.4 * normal[:, 2]
    light = (1 - spread) * facing[:, None] * direct + spread * sky[:, None] * ambient
    radiance = albedo * light + shine[:, None] * direct
    balanced = EXPOSURE * radiance * np.array(WHITE_BALANCES[balance])
    image = _camera(balanced.reshape(k.height, k.width, 3), rng, noise, jpeg)
    depth = t.reshape(k.height, k.width)
    bumps = cv2.GaussianBlur(rng.normal(0, 1, depth.shape), (0, 0), 1.0) * 3.5
    depth = depth + 0.0012 * (depth / 0.7) ** 2 * bumps
    frame = RGBDFrame(image, depth.astype(np.float32), k, T)
    return Shot(frame, number.reshape(depth.shape), radiance.reshape(image.shape))


def _camera(
    light: Image, rng: np.random.Generator, noise: float, jpeg: int | None
) -> npt.NDArray[np.uint8]:
    image = srgb(np.asarray(cv2.GaussianBlur(light, (0, 0), 0.6), np.float64))
    sigma = noise * np.sqrt(0.3 + image / 128)
    image = np.rint(np.clip(image + rng.normal(0, 1, image.shape) * sigma, 0, 255)).astype(np.uint8)
    if jpeg is None:
        return image
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, jpeg])
    decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(decoded[..., ::-1])


def _may_hit(thing: Thing, eye: Vector, rays: Image) -> npt.NDArray[np.intp]:
    """Rays that pass through the sphere round a thing."""
    to = thing.center - eye
    along = rays @ to
    off = (to @ to) - along**2 / (rays**2).sum(1)
    return np.flatnonzero(off < (thing.size**2).sum() * 1.01)


def _unit(v: Vector) -> Vector:
    return v / np.linalg.norm(v)


def _rotation(yaw: float) -> Vector:
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def _to_local(thing: Thing, points: Image) -> Image:
    return (points - thing.center) @ _rotation(thing.yaw)


def _intersect(
    thing: Thing, eye: Vector, rays: Image
) -> tuple[npt.NDArray[np.bool_], Vector, Image]:
    """Hits, distances along the rays, and normals (world)."""
    R = _rotation(thing.yaw)
    o, d = (eye - thing.center) @ R, rays @ R
    if thing.kind == "ball":
        r = thing.size[0]
        a, b, c = (d**2).sum(1), d @ o, o @ o - r**2
        root = b**2 - a * c
        t = (-b - np.sqrt(np.maximum(root, 0))) / a
        return (root > 0) & (t > 0), t, (o + t[:, None] * d) / r @ R.T
    if thing.kind == "box":
        with np.errstate(divide="ignore", invalid="ignore"):
            t1, t2 = (-o - thing.size) / d, (-o + thing.size) / d
        near, far = np.minimum(t1, t2), np.maximum(t1, t2)
        t = near.max(1)
        axis = near.argmax(1)
        normal = np.zeros_like(d)
        index = np.arange(len(d))
        normal[index, axis] = -np.sign(d[index, axis])
        return (t < far.min(1)) & (t > 0), t, normal @ R.T
    r, h = thing.size[0], thing.size[2]  # cylinder
    a, b, c = (d[:, :2] ** 2).sum(1), d[:, :2] @ o[:2], o[:2] @ o[:2] - r**2
    root = b**2 - a * c
    side = (-b - np.sqrt(np.maximum(root, 0))) / np.maximum(a, 1e-12)
    z = o[2] + side * d[:, 2]
    on_side = (root > 0) & (np.abs(z) <= h) & (side > 0)
    top = (h - o[2]) / np.minimum(d[:, 2], -1e-9)
    xy = o[:2] + top[:, None] * d[:, :2]
    on_top = ((xy**2).sum(1) <= r**2) & (top > 0)
    t = np.where(on_top, top, np.where(on_side, side, np.inf))
    normal = np.zeros_like(d)
    at = o + np.where(np.isfinite(t), t, 0)[:, None] * d
    normal[:, :2] = np.where(on_top[:, None], 0, at[:, :2] / r)
    normal[:, 2] = on_top
    return on_top | on_side, t, normal @ R.T


def _shadowed(things: list[Thing], points: Image, to_lamp: Vector) -> npt.NDArray[np.bool_]:
    """Points from which a thing hides the lamp: rays of one direction, from many places."""
    dark = np.zeros(len(points), bool)
    for thing in things:
        offset = points - thing.center
        across = offset - (offset @ to_lamp)[:, None] * to_lamp
        near = np.flatnonzero((across**2).sum(1) < (thing.size**2).sum() * 1.01)
        R = _rotation(thing.yaw)
        o, d = offset[near] @ R, to_lamp @ R
        if thing.kind == "ball":
            b, c = o @ d, (o**2).sum(1) - thing.size[0] ** 2
            dark[near] |= (b < 0) & (b**2 - c > 0)
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            t1, t2 = (-o - thing.size) / d, (-o + thing.size) / d
        first, last = np.minimum(t1, t2).max(1), np.maximum(t1, t2).min(1)
        dark[near] |= (first < last) & (first > 1e-4)
    return dark


def near_color(color: tuple[int, int, int], rng: np.random.Generator) -> tuple[int, int, int]:
    """Draw a colour that is nearly another one."""
    while True:
        r, g, b = np.clip(np.array(color) * rng.uniform(0.75, 1.25, 3), 0, 255).astype(int)
        if NEAR[0] < _angle((r, g, b), color) < NEAR[1]:
            return int(r), int(g), int(b)


def shade_color(color: tuple[int, int, int], rng: np.random.Generator) -> tuple[int, int, int]:
    """Draw a colour of the hue of another one, darker or brighter."""
    most = 245 / max(color)
    low, high = BRIGHTER if most > BRIGHTER[0] and rng.random() < 0.5 else DARKER
    factor = rng.uniform(low, min(high, most))
    r, g, b = (int(v) for v in np.rint(np.array(color) * factor))
    return r, g, b


def draw_things(rng: np.random.Generator, n: int, finish: str, *, decoy: str = "") -> list[Thing]:
    """Draw things of different colours, the goal first, on places that do not overlap much.

    Args:
        rng: draws them.
        n: how many.
        finish: the goal's.
        decoy: of DECOYS; the second thing is plain and has nearly the goal's colour, or its hue.
    """
    names = list(COLORS)
    name = names[rng.integers(len(names) - 1)]  # not the table's grey
    second = COLORS["white" if name != "white" else "navy"] if rng.random() < 0.5 else None
    things: list[Thing] = []
    for i in range(n):
        is_goal = i == 0
        for _ in range(200):
            color = COLORS[name] if is_goal else tuple(rng.integers(25, 235, 3).tolist())
            alike = bool(decoy) and i == 1
            if alike:
                color = (near_color if decoy == "near" else shade_color)(COLORS[name], rng)
            kind = ("ball", "box", "cylinder")[rng.integers(3)]
            s = rng.uniform(0.020, 0.034, 3)
            size = np.array([s[0], s[0], rng.uniform(0.02, 0.05)]) if kind == "cylinder" else s
            size = np.full(3, s[0]) if kind == "ball" else size
            at = rng.uniform(-0.11, 0.11, 2)
            center = np.array([-0.5 + at[0], at[1], size[2]])
            apart = all(np.hypot(*(center - t.center)[:2]) > 0.052 for t in things)
            own = second if is_goal and second else tuple(rng.integers(25, 235, 3).tolist())
            look = finish if is_goal else FINISHES[rng.integers(3)]
            look = "plain" if alike else look
            shown = [color] + ([own] if look == "printed" else [])
            others = (
                is_goal
                or alike
                or all(_angle(c, g) > DISTINCT for c in shown for g in _colors(things[0])[:1])
            )
            if apart and others:
                things.append(
                    Thing(
                        kind,
                        center,
                        size,
                        rng.uniform(0, 6.3),
                        color,
                        look,
                        own,
                        float(rng.choice([0, 0, 0.15, 0.35])),
                        int(rng.integers(1 << 30)),
                    )
                )
                break
    return things


def _colors(thing: Thing) -> list[tuple[int, int, int]]:
    return [thing.color] + ([thing.second] if thing.finish == "printed" else [])


def _angle(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    a, b = np.asarray(a, float), np.asarray(b, float)
    return float(np.arccos(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1)))


def read_color(shot: Shot, number: int) -> tuple[int, int, int]:
    """The median colour of a thing in a picture: what a person reads off it."""
    r, g, b = np.median(shot.frame.color[shot.number == number], axis=0)
    return int(r), int(g), int(b)


def bare_table(shot: Shot) -> tuple[int, int, int]:
    """The table's median colour in a picture."""
    near = cv2.dilate((shot.number > 0).astype(np.uint8), np.ones((15, 15), np.uint8)) > 0
    r, g, b = np.median(shot.frame.color[~near], axis=0)
    return int(r), int(g), int(b)


def tell(
    way: str, thing: Thing, shot: Shot, table: str, balance: str, rng: np.random.Generator,
    k: Intrinsics,
) -> Goal:  # fmt: skip
    """Tell the goal in one of WAYS."""
    if way == "mask":
        return Goal(mask=shot.number == 1)
    if way == "color" and thing.finish != "printed":
        return Goal(color=read_color(shot, 1))
    alone = replace(thing, center=np.array([-0.5, 0.0, thing.center[2]]), yaw=rng.uniform(0, 6))
    lamp = list(LAMPS)[rng.integers(len(LAMPS))]
    other = render([alone], table, lamp, balance, rng, k=k)
    shown = other.number == 1
    if way == "other lamp" and thing.finish != "printed":
        return Goal(color=read_color(other, 1), table=bare_table(other))
    rgba = np.dstack([other.frame.color, 255 * shown.astype(np.uint8)])
    return Goal(picture=rgba, table=bare_table(other))


@dataclass
class Result:
    """One picture's score."""

    lamp: str
    balance: str
    table: str
    finish: str
    way: str
    goal_in_view: bool
    kept: float  # share of the goal's cells that are found
    aims: bool  # the goal would be the target
    on_goal: float  # share of the mask that is the goal
    wrong: bool  # something else is taken for the goal
    said: bool  # doubts or an ambiguity were put in words
    decoy: str = ""  # of DECOYS: how another thing is like the goal


def score(
    perception: Perception, shot: Shot, has_goal: bool, keys: tuple[str, ...], decoy: str = ""
) -> Result:
    """Score one look."""
    seen = perception.look(shot.frame)
    _, pixel = project_pixels(shot.frame, Workspace())
    truth = np.where(pixel >= 0, shot.number.reshape(-1)[np.maximum(pixel, 0)], 0)
    mine = (truth == 1) & seen.objects if has_goal else np.zeros(truth.shape, bool)
    found = int(seen.goal.sum())
    on = float((seen.goal & mine).sum() / found) if found else 0.0
    aims = found > 5 and not seen.ambiguous  # an ambiguity stops the robot before it moves
    in_view = int(mine.sum()) > 5
    kept = float((seen.goal & mine).sum() / max(int(mine.sum()), 1))
    wrong = aims and on < 0.5
    said = bool(seen.notes or seen.ambiguous)
    return Result(*keys, in_view, kept, aims, on, wrong, said, decoy)  # type: ignore[call-arg]


def draw(
    pictures: int, near: int, shade: int, seed: int
) -> Iterator[tuple[int, Shot, Goal, bool, tuple[str, ...], str]]:
    """Draw pictures, every lamp, balance and table; one in five without the goal.

    Args:
        pictures: how many.
        near: how many more, with a thing of nearly the goal's colour.
        shade: how many more, with a thing of its hue, darker or brighter.
        seed: draws them.
    Yields:
        Its number, the picture, the goal, True if it is there, the picture's keys, the decoy.
    """
    k = Intrinsics()
    decoys = ["near"] * near + ["shade"] * shade
    for i in range(pictures + near + shade):
        decoy = "" if i < pictures else decoys[i - pictures]
        rng = np.random.default_rng((seed, i))
        lamp = list(LAMPS)[i % 6]
        balance = list(WHITE_BALANCES)[i // 6 % 3]
        table = list(TABLES)[i // 18 % 3]
        finish = FINISHES[int(rng.integers(3))]
        hidden = i % 5 == 4 or (bool(decoy) and i % 2 == 1)
        way = WAYS[i % 4] if not hidden else WAYS[i % 3]
        if finish == "printed" and way in ("color", "other lamp"):
            way = "cut-out"
        things = draw_things(rng, int(rng.integers(4, 10)), finish, decoy=decoy)
        shot = render(things, table, lamp, balance, rng, k=k)
        goal = tell(way, things[0], shot, table, balance, rng, k)
        if hidden:  # the same scene without its goal
            shot = render(things[1:], table, lamp, balance, rng, k=k)
            shot = replace(shot, number=np.where(shot.number > 0, shot.number + 1, 0))
        yield i, shot, goal, not hidden, (lamp, balance, table, finish, way), decoy


def run(
    pictures: int, near: int, shade: int, seed: int,
    keep: Callable[[int, Shot, Any, Result], None],
) -> list[Result]:  # fmt: skip
    """Score pictures; `keep` is called with each."""
    results = []
    for i, shot, goal, has_goal, keys, decoy in draw(pictures, near, shade, seed):
        perception = Perception(goal)
        result = score(perception, shot, has_goal, keys, decoy)
        results.append(result)
        keep(i, shot, perception, result)
    return results


def table_of(results: list[Result]) -> list[tuple[str, ...]]:
    """Rows of a table: all, and by lamp, balance, table, finish and way."""
    groups: dict[str, list[Result]] = defaultdict(list)
    for decoy, name in DECOYS.items():
        groups[name] = [r for r in results if r.decoy == decoy]
    plain = groups["all"]
    for name, kind in (
        ("{}", "lamp"), ("white balance {}", "balance"), ("{} table", "table"),
        ("{} goal", "finish"), ("told by {}", "way"),
    ):  # fmt: skip
        for r in plain:
            groups[name.format(getattr(r, kind))].append(r)
    rows = []
    for name, group in groups.items():
        if not group:
            continue
        there = [r for r in group if r.goal_in_view]
        aimed = [r for r in there if r.aims]
        rows.append(
            (
                name,
                str(len(group)),
                f"{100 * np.median([r.kept for r in there]):.0f}" if there else "-",
                f"{100 * len(aimed) / len(there):.1f}" if there else "-",
                f"{100 * np.mean([r.on_goal > 0.5 for r in aimed]):.1f}" if aimed else "-",
                f"{100 * np.mean([r.wrong for r in group]):.1f}",
                f"{100 * np.mean([r.wrong and not r.said for r in group]):.1f}",
            )
        )
    return rows


HEADER = (
    "pictures", "n", "goal's cells kept, median %", "goal in view: aimed at, %",
    "aimed: on the goal, %", "wrong thing taken, %", "silently, %",
)  # fmt: skip


START, END = "<!-- bench/perception.py -->\n", "<!-- end -->\n"


def write_docs(path: Path, rows: list[tuple[str, ...]]) -> None:
    """Replace the table between two comments of a document."""
    text = path.read_text()
    before, rest = text.split(START)
    after = rest.split(END)[1]
    lines = [HEADER, ("---",) * len(HEADER), *rows]
    table = "".join("| " + " | ".join(line) + " |\n" for line in lines)
    path.write_text(f"{before}{START}\n{table}\n{END}{after}")


def main(
    pictures: int = 360, near: int = 120, shade: int = 120, seed: int = 0, out: Path | None = None,
    failures: Path | None = None, docs: Path | None = None,
) -> None:  # fmt: skip
    """Score generated pictures.

    Args:
        pictures: how many.
        near: how many more, with a thing of nearly the goal's colour.
        shade: how many more, with a thing of its hue, darker or brighter.
        seed: draws them.
        out: JSON file for the result.
        failures: folder for pictures in which something went wrong.
        docs: page whose table to replace.
    """

    def keep(i: int, shot: Shot, perception: Any, result: Result) -> None:
        bad = result.wrong or (result.goal_in_view and (not result.aims or result.kept < 0.5))
        if failures is not None and bad:
            failures.mkdir(parents=True, exist_ok=True)
            name = f"{i:04d}-{result.table}-{result.finish}-{result.way.replace(' ', '')}.png"
            cv2.imwrite(str(failures / name), shot.frame.color[..., ::-1])
            print(i, result, flush=True)

    start = time.perf_counter()
    results = run(pictures, near, shade, seed, keep)
    rows = table_of(results)
    answer = {
        "setting": common.setting(),
        "pictures": pictures,
        "near": near,
        "shade": shade,
        "seed": seed,
        "rows": [dict(zip(HEADER, row, strict=True)) for row in rows],
    }
    common.show(answer, HEADER, rows)
    print(f"{time.perf_counter() - start:.0f} s")
    common.save(answer, out)
    if docs is not None:
        write_docs(docs, rows)


if __name__ == "__main__":
    tyro.cli(main)
