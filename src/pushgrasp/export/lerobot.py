"""Episodes as a LeRobot dataset, format v3.0.

    meta/info.json                               features, counts, paths
    meta/stats.json                              minimum, maximum, mean, deviation of each feature
    meta/tasks.parquet                           tasks in words
    meta/episodes/chunk-000/file-000.parquet     a row per episode
    data/chunk-000/file-000.parquet              a row per action; images as PNG inside

A row is a decision, not a moment of a film: `fps` is 1 and a timestamp counts actions.

Source: https://huggingface.co/docs/lerobot/lerobot-dataset-v3 and LeRobot 0.6.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..utils.files import write_json
from ..utils.optional import need
from .episodes import ACTION_NAMES, OUTCOME_NAMES, ExportedEpisode, ExportedStep
from .statistics import Statistics

DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
EPISODES = "meta/episodes/chunk-000/file-000.parquet"
TASKS, INFO, STATS = "meta/tasks.parquet", "meta/info.json", "meta/stats.json"
FILE_MB = 100
"""Size from which another data file is begun."""
CHUNK = 1000
"""Files in a chunk."""
IMAGES = {
    "observation.images.camera": lambda step: step.image,
    "observation.images.top": lambda step: step.color,  # the heightmap's colours
    "observation.images.masks": lambda step: masks(step),  # red: seen; green: objects; blue: goal
}


def masks(step: ExportedStep) -> npt.NDArray[np.uint8]:
    """Return (N, N, 3) of 0 and 255: seen, objects, goal."""
    stack = np.stack([np.isfinite(step.height), step.objects, step.goal], axis=-1)
    return np.uint8(255) * stack.astype(np.uint8)


def columns(episode: ExportedEpisode) -> dict[str, npt.NDArray[Any]]:
    """Return an episode's numbers by feature, a row per action.

    Unseen heights are 0, since a NaN would spread through a network; the masks tell them.
    """
    steps = episode.steps
    last = np.arange(len(steps)) == len(steps) - 1
    goal = np.array(episode.goal_rgb, np.float32) / 255
    return {
        "observation.state": np.tile(goal, (len(steps), 1)),
        "observation.height": np.stack([np.nan_to_num(s.height) for s in steps]),
        "action": np.stack([s.action for s in steps]),
        "outcome": np.stack([s.outcome for s in steps]).astype(np.float32),
        "next.reward": (last & episode.success).astype(np.float32),
        "next.done": last,
        "next.success": last & episode.success,
    }


def write_lerobot(folder: Path, episodes: Iterable[ExportedEpisode], robot: str) -> int:
    """Write episodes into a folder.

    Args:
        folder: existing and empty.
        episodes: with at least one step each.
        robot: its name.
    Returns:
        The number of steps.
    Raises:
        UserError: pyarrow is not installed.
    """
    writer = _Writer(folder)
    for episode in episodes:
        writer.add(episode)
    writer.finish(robot)
    return writer.n_rows


class _Writer:
    def __init__(self, folder: Path) -> None:
        self._arrow, self._parquet = need("pyarrow", "export"), need("pyarrow.parquet", "export")
        self._folder, self._file, self._index = folder, None, -1
        self._tasks: dict[str, int] = {}
        self._episodes: list[dict[str, Any]] = []
        self._statistics = Statistics()
        self._shapes: dict[str, tuple[int, ...]] = {}
        self.n_rows = 0

    def add(self, episode: ExportedEpisode) -> None:
        """Append an episode, a row group of its own."""
        n, number = len(episode.steps), len(self._episodes)
        task = self._tasks.setdefault(episode.task, len(self._tasks))
        numbers = columns(episode)
        table: dict[str, Any] = {}
        for name, picture in IMAGES.items():
            pictures = [picture(step) for step in episode.steps]
            self._statistics.add(name, np.stack(pictures).transpose(0, 3, 1, 2) / 255, image=True)
            self._shapes[name] = pictures[0].shape
            kind = self._arrow.struct(
                [("bytes", self._arrow.binary()), ("path", self._arrow.string())]
            )
            rows = [{"bytes": png(p), "path": None} for p in pictures]
            table[name] = self._arrow.array(rows, kind)
        for name, values in numbers.items():
            self._statistics.add(name, values)
            self._shapes[name] = values.shape[1:] or (1,)
            table[name] = self._array(values)
        table["timestamp"] = self._array(np.arange(n, dtype=np.float32))
        table["frame_index"] = self._array(np.arange(n))
        table["episode_index"] = self._array(np.full(n, number))
        table["index"] = self._array(np.arange(self.n_rows, self.n_rows + n))
        table["task_index"] = self._array(np.full(n, task))
        self._write(self._arrow.table(table))
        self._episodes.append(
            {
                "episode_index": number,
                "tasks": [episode.task],
                "length": n,
                "dataset_from_index": self.n_rows,
                "dataset_to_index": self.n_rows + n,
                "data/chunk_index": self._index // CHUNK,
                "data/file_index": self._index % CHUNK,
                "meta/episodes/chunk_index": 0,
                "meta/episodes/file_index": 0,
                "success": episode.success,
                "policy": episode.record.policy,
                "group": episode.record.group,
                "trial": episode.record.index,
                "seed": episode.record.seed,
            }
        )
        self.n_rows += n

    def finish(self, robot: str) -> None:
        """Write what describes the rows."""
        if self._file is not None:
            self._file.close()
        pa, pq = self._arrow, self._parquet
        (self._folder / EPISODES).parent.mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(self._episodes), self._folder / EPISODES)
        tasks = pa.table({"task_index": list(self._tasks.values()), "task": list(self._tasks)})
        # Readers take the tasks from the index of a pandas table.
        tasks = tasks.replace_schema_metadata({"pandas": json.dumps(_TASKS_INDEX)})
        pq.write_table(tasks, self._folder / TASKS)
        write_json(self._folder / STATS, self._statistics.result())
        write_json(self._folder / INFO, self._info(robot))

    def _info(self, robot: str) -> dict[str, Any]:
        return {
            "codebase_version": "v3.0",
            "robot_type": robot,
            "total_episodes": len(self._episodes),
            "total_frames": self.n_rows,
            "total_tasks": len(self._tasks),
            "chunks_size": CHUNK,
            "data_files_size_in_mb": FILE_MB,
            "video_files_size_in_mb": 200,
            "fps": 1,
            "splits": {"train": f"0:{len(self._episodes)}"},
            "data_path": DATA_PATH,
            "video_path": None,
            "features": {name: self._feature(name) for name in self._shapes} | _INDICES,
        }

    def _feature(self, name: str) -> dict[str, Any]:
        shape = list(self._shapes[name])
        if name in IMAGES:
            return {"dtype": "image", "shape": shape, "names": ["height", "width", "channels"]}
        kind = "bool" if name in ("next.done", "next.success") else "float32"
        return {"dtype": kind, "shape": shape, "names": _NAMES.get(name)}

    def _array(self, values: npt.NDArray[Any]) -> Any:
        """Return rows as an Arrow array; those of a vector are lists of its length."""
        pa, array = self._arrow, None
        for size in reversed(values.shape[1:]):
            flat = pa.array(values.reshape(-1)) if array is None else array
            array = pa.FixedSizeListArray.from_arrays(flat, size)
        if array is None:
            return pa.array(values)
        # A matrix is a list of lists of any length, as `datasets` stores it.
        return array if values.ndim == 2 else array.cast(pa.list_(pa.list_(pa.float32())))

    def _write(self, table: Any) -> None:
        """Append a row group, to another file if this one is full."""
        if self._file is None or self._path().stat().st_size > FILE_MB * 1e6:
            if self._file is not None:
                self._file.close()
            self._index += 1
            self._path().parent.mkdir(parents=True, exist_ok=True)
            self._file = self._parquet.ParquetWriter(self._path(), table.schema)
        self._file.write_table(table)

    def _path(self) -> Path:
        chunk, file = divmod(self._index, CHUNK)
        return self._folder / DATA_PATH.format(chunk_index=chunk, file_index=file)


_NAMES = {
    "observation.state": ["goal_red", "goal_green", "goal_blue"],
    "observation.height": ["row", "column"],
    "action": list(ACTION_NAMES),
    "outcome": list(OUTCOME_NAMES),
}
_TASKS_INDEX = {
    "index_columns": ["task"],
    "column_indexes": [],
    "columns": [
        {
            "name": name,
            "field_name": name,
            "pandas_type": kind,
            "numpy_type": numpy,
            "metadata": None,
        }
        for name, kind, numpy in (("task_index", "int64", "int64"), ("task", "unicode", "object"))
    ],
}
_INDICES = {
    name: {"dtype": "float32" if name == "timestamp" else "int64", "shape": [1], "names": None}
    for name in ("timestamp", "frame_index", "episode_index", "index", "task_index")
}


def png(picture: npt.NDArray[np.uint8]) -> bytes:
    """Encode a picture (H, W, 3)."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()
