"""Minimum, maximum, mean and deviation of features, added up episode by episode."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


class Statistics:
    """Running statistics by feature."""

    def __init__(self) -> None:
        self._sums: dict[str, dict[str, Any]] = {}

    def add(self, name: str, values: npt.NDArray[Any], *, image: bool = False) -> None:
        """Add an episode's values.

        Args:
            name: of the feature.
            values: (T, ...), of an image (T, C, H, W) in 0..1.
            image: reduce to a value per channel. A map (T, N, N) is reduced to one value.
        """
        x = values.astype(np.float64)
        axes = (0, 2, 3) if image else (0, 1, 2) if x.ndim == 3 else (0,)
        n = np.prod([x.shape[axis] for axis in axes], dtype=int)
        new = {
            "count": len(x), "n": n, "image": image, "min": x.min(axes), "max": x.max(axes),
            "sum": x.sum(axes), "squares": (x**2).sum(axes),
        }  # fmt: skip
        old = self._sums.get(name)
        if old is not None:
            for key in ("count", "n", "sum", "squares"):
                new[key] = old[key] + new[key]
            new["min"] = np.minimum(old["min"], new["min"])
            new["max"] = np.maximum(old["max"], new["max"])
        self._sums[name] = new

    def result(self) -> dict[str, dict[str, Any]]:
        """Return the statistics, JSON-ready; those of an image have the shape (C, 1, 1)."""
        return {name: _finish(sums) for name, sums in self._sums.items()}


def _finish(sums: dict[str, Any]) -> dict[str, Any]:
    mean = sums["sum"] / sums["n"]
    std = np.sqrt(np.maximum(0.0, sums["squares"] / sums["n"] - mean**2))
    found = {"min": sums["min"], "max": sums["max"], "mean": mean, "std": std}
    shape = (-1, 1, 1) if sums["image"] else (-1,)
    done: dict[str, Any] = {name: np.reshape(x, shape).tolist() for name, x in found.items()}
    return done | {"count": [sums["count"]]}
