"""The replay: every executed action, on disk, safe from kills.

A directory with three files: `observations.bin` and `actions.bin` are arrays of records that
grow in blocks; `count.json` holds the number of valid records. Records are written first and
counted afterwards, so counted records are complete. One process writes.
"""

from __future__ import annotations

import mmap
import os
import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import UserError
from ..interfaces import Primitive
from ..utils.files import read_json, write_json

VERSION = 3
COUNT = "count.json"
BLOCK = 256
"""Records by which the files grow; their space is reserved in advance."""
PRIMITIVES: tuple[Primitive, ...] = ("grasp", "push")
NO_ACTION = len(PRIMITIVES)
"""Primitive of a record that only holds the state in which a scene stopped."""
NEW = np.float32(np.inf)
"""TD error of a record that has not been learned from yet."""

ACTION = np.dtype(
    [
        ("stage", np.uint8),  # index into the recipe's stages
        ("primitive", np.uint8),  # index into PRIMITIVES, or NO_ACTION
        ("row", np.int16),  # pixel of the heightmap
        ("column", np.int16),
        ("rotation", np.uint8),  # 0..15
        ("reward", np.float32),
        ("bootstraps", np.bool_),  # the next state's value counts towards the target
        ("target_changed", np.bool_),  # the surface around the target sank (`change.changed`)
        ("explored", np.bool_),  # random, not greedy
        ("scene", np.int64),  # number of the scene in its stage
        ("q", np.float32),  # predicted by the network that chose; NaN for random actions
        ("next", np.int64),  # record of the next state; -1: none
        ("td_error", np.float32),  # |prediction - target| when last learned from
        ("next_q", np.float32),  # best Q of the next state, when last computed
        ("next_q_at", np.int64),  # updates of the network then; -1: not yet
    ]
)


def observation_dtype(shape: tuple[int, int], color: bool) -> np.dtype:
    """Return the layout of one state.

    Args:
        shape: (H, W) of the heightmap.
        color: True to hold colours, for networks that use them.
    """
    fields = [
        ("height", np.float16, shape),  # m, NaN where unseen
        ("labels", np.uint8, shape),  # 0 background, 1..n objects
        ("target", np.uint8, (-(-shape[0] * shape[1] // 8),)),  # bits of the target's mask
    ]
    return np.dtype([*fields, ("color", np.uint8, (*shape, 3))] if color else fields)


def pack_observation(
    height: npt.NDArray[np.floating],
    labels: npt.NDArray[np.integer],
    target: npt.NDArray[np.bool_],
    color: npt.NDArray[np.uint8] | None = None,
) -> npt.NDArray[np.void]:
    """Pack one state into a record of shape ().

    Args:
        height: (H, W) metres, NaN where unseen; rounded to about 0.1 mm.
        labels: (H, W) object labels; those above 255 become 255.
        target: (H, W) mask that the network was conditioned on.
        color: (H, W, 3), or None to leave it out.
    """
    record = np.zeros((), observation_dtype(height.shape[:2], color is not None))
    record["height"] = height
    record["labels"] = np.minimum(labels, 255)
    record["target"] = np.packbits(target)
    if color is not None:
        record["color"] = color
    return record


def unpack_target(bits: npt.NDArray[np.uint8], shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Unpack the (H, W) mask in a record's `target` field."""
    return np.unpackbits(bits, count=shape[0] * shape[1]).reshape(shape).astype(bool)


def n_committed(directory: Path) -> int:
    """Return the number of committed records in a replay's directory; 0 if there is no replay.

    Raises:
        UserError: the file that counts them is damaged.
    """
    file = directory / COUNT
    count = read_json(file).get("count") if file.exists() else 0
    if not isinstance(count, int):
        raise UserError(f"{file} is damaged: its count is {count!r}, not an integer")
    return count


class Replay:
    """An append-only array of (state, action, reward) on disk; see the module docstring.

    Attributes:
        shape: (H, W) of the states.
        color: True if they have colours.
    """

    def __init__(self, directory: Path, shape: tuple[int, int], color: bool) -> None:
        """Open the replay in a directory, or create one there.

        Raises:
            UserError: the files there have another layout, or are damaged.
        """
        self.shape, self.color = shape, color
        self._directory = Path(directory)
        self._dtypes = {"observations": observation_dtype(shape, color), "actions": ACTION}
        self._directory.mkdir(parents=True, exist_ok=True)
        count_file = self._directory / COUNT
        self._layout = {"version": VERSION, "shape": list(shape), "color": color}
        if count_file.exists():
            found = read_json(count_file)
            if {key: found.get(key) for key in self._layout} != self._layout:
                raise UserError(
                    f"{count_file} describes another kind of replay than this run needs"
                )
        self._count = self._committed = n_committed(self._directory)
        for name, dtype in self._dtypes.items():
            path = self._path(name)
            held = path.stat().st_size // dtype.itemsize if path.exists() else 0
            if held < self._count:
                raise UserError(f"{path} is cut short: it holds {held} of {self._count} records")
        self._capacity = 0
        self._grow(max(self._count, 1))
        lost = self.actions["next"] >= self._count  # links to records that a kill has undone
        self.actions["next"][lost] = -1

    def __len__(self) -> int:
        return self._count

    @property
    def actions(self) -> npt.NDArray[np.void]:
        """(n,) records of dtype ACTION; a view, so writing into it changes the replay."""
        return self._actions[: self._count]

    @property
    def observations(self) -> npt.NDArray[np.void]:
        """(n,) records of `observation_dtype`; a view."""
        return self._observations[: self._count]

    def append(
        self, observation: npt.NDArray[np.void], action: npt.NDArray[np.void], previous: int = -1
    ) -> int:
        """Add one record; it can be lost to a kill until `commit`.

        Args:
            observation: () record of this replay's `observation_dtype`.
            action: () record of dtype ACTION; `next`, `td_error` and `next_q_at` are set here.
            previous: the record whose action led to this state, or -1.
        Returns:
            The record's index.
        Raises:
            OSError: the disk is full; nothing has changed.
        """
        index = self._count
        self._grow(index + 1)
        self._observations[index] = observation
        self._actions[index] = action
        self._actions["next"][index] = -1
        self._actions["td_error"][index] = NEW
        self._actions["next_q_at"][index] = -1
        self._count += 1
        if previous >= 0:
            self._actions["next"][previous] = index
        return index

    def commit(self) -> None:
        """Commit all records so far: writes the data to disk, then their count."""
        if self._committed == self._count:
            return
        for name, dtype in self._dtypes.items():
            start = self._committed * dtype.itemsize // mmap.PAGESIZE * mmap.PAGESIZE
            self._maps[name].flush(start, self._count * dtype.itemsize - start)
        write_json(self._directory / COUNT, {"count": self._count, **self._layout})
        self._committed = self._count

    def draw(
        self, rng: np.random.Generator, n: int, primitive: Primitive, exponent: float
    ) -> npt.NDArray[np.int64]:
        """Draw records to learn from; those with a larger TD error are drawn more often.

        Args:
            rng: random number generator.
            n: number of draws, with replacement.
            primitive: whose actions.
            exponent: of the power law over the ranks of TD errors, as in `Generator.power`
                (authors' code: 2); 0: uniform.
        Returns:
            (n,) indices.
        Raises:
            ValueError: there is no such action yet.
        """
        chosen = np.flatnonzero(self.actions["primitive"] == PRIMITIVES.index(primitive))
        if len(chosen) == 0:
            raise ValueError(f"the replay holds no {primitive} to learn from")
        if exponent == 0:
            return chosen[rng.integers(len(chosen), size=n)]
        order = chosen[np.argsort(self.actions["td_error"][chosen], kind="stable")]
        return order[(rng.power(exponent, n) * len(order)).astype(np.int64)]

    def missing_space(self, n_more: int) -> int:
        """Return the bytes that the disk lacks for `n_more` records; 0 if it has room."""
        unreserved = max(0, self._count + n_more - self._capacity)
        needed = unreserved * sum(dtype.itemsize for dtype in self._dtypes.values())
        return max(0, needed - shutil.disk_usage(self._directory).free)

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}.bin"

    def _grow(self, n: int) -> None:
        if n <= self._capacity:
            return
        capacity = -(-n // BLOCK) * BLOCK
        maps, views = {}, {}
        for name, dtype in self._dtypes.items():
            with open(self._path(name), "a+b") as file:
                # Reserved, not merely extended: a full disk must raise an error here, not
                # SIGBUS at the first write through the mapping.
                os.posix_fallocate(file.fileno(), 0, capacity * dtype.itemsize)
                maps[name] = mmap.mmap(file.fileno(), capacity * dtype.itemsize)
            views[name] = np.frombuffer(maps[name], dtype)
        self._capacity, self._maps = capacity, maps
        self._observations, self._actions = views["observations"], views["actions"]
