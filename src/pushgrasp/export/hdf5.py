"""Episodes as one HDF5 file, laid out as robomimic's: data/demo_0/{obs, actions, rewards, dones}.

data                       attributes total (steps), env_args (JSON)
data/demo_N                attributes num_samples, task, group, index, policy, seed, success
  obs/image                (T, H, W, 3) uint8 sRGB of the camera
  obs/depth                (T, H, W) float32 m; 0: no return
  obs/heightmap_color      (T, N, N, 3) uint8
  obs/height               (T, N, N) float32 m above the table; NaN: unseen
  obs/objects, obs/goal    (T, N, N) bool
  obs/goal_rgb             (T, 3) uint8
  actions                  (T, 8) float32, named by the attribute names
  outcomes                 (T, 4) bool, likewise
  rewards, dones           (T,) 1 for the action that took the goal; the last action
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ..utils.files import temporary_beside, to_json
from ..utils.optional import need
from .episodes import ACTION_NAMES, OUTCOME_NAMES, ExportedEpisode


def write_hdf5(path: Path, episodes: Iterable[ExportedEpisode]) -> int:
    """Write episodes to a file; a failure leaves none.

    Args:
        path: the file; an earlier one is replaced.
        episodes: with at least one step each.
    Returns:
        The number of steps.
    Raises:
        UserError: h5py is not installed.
    """
    h5py = need("h5py", "export")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = temporary_beside(path)
    try:
        with h5py.File(partial, "w") as file:
            data, total = file.create_group("data"), 0
            for number, episode in enumerate(episodes):
                _write_episode(data.create_group(f"demo_{number}"), episode)
                total += len(episode.steps)
            data.attrs["total"] = total
            data.attrs["env_args"] = to_json({"env_name": "pushgrasp/Retrieve-v0", "type": 2})
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return total


def _write_episode(group: Any, episode: ExportedEpisode) -> None:
    record, steps = episode.record, episode.steps
    group.attrs.update(
        num_samples=len(steps), task=episode.task, group=record.group, index=record.index,
        policy=record.policy, seed=record.seed, success=episode.success,
        resolution=episode.resolution,
    )  # fmt: skip
    columns = {
        "obs/image": [s.image for s in steps],
        "obs/depth": [s.depth for s in steps],
        "obs/heightmap_color": [s.color for s in steps],
        "obs/height": [s.height for s in steps],
        "obs/objects": [s.objects for s in steps],
        "obs/goal": [s.goal for s in steps],
    }
    for name, values in columns.items():
        array = np.stack(values)
        chunks = (1, *array.shape[1:])  # one step at a time is read
        group.create_dataset(name, data=array, chunks=chunks, compression="gzip", shuffle=True)
    group["obs/goal_rgb"] = np.tile(np.array(episode.goal_rgb, np.uint8), (len(steps), 1))
    group["actions"] = np.stack([s.action for s in steps])
    group["actions"].attrs["names"] = list(ACTION_NAMES)
    group["outcomes"] = np.stack([s.outcome for s in steps])
    group["outcomes"].attrs["names"] = list(OUTCOME_NAMES)
    last = np.arange(len(steps)) == len(steps) - 1
    group["rewards"] = (last & episode.success).astype(np.float32)
    group["dones"] = last
