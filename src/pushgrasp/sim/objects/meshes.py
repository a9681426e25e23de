"""Mesh files as shapes of the simulator: read, split into convex parts once, cached."""

from __future__ import annotations

import functools
import hashlib
import io
import logging
import math
import zipfile
from pathlib import Path

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from ...errors import UserError
from ...utils.cache import cache_folder
from ...utils.files import write_atomic
from .convex import convex_parts
from .mesh_file import FloatArray, parse_mesh, read_bytes, repair
from .shapes import DENSITY, Part, Shape

MAX_PARTS = 24  # in a heap of six mugs, a step takes about 40 us for each part that a mug has
MIN_SIZE, MAX_SIZE = 0.005, 0.5  # m, largest side
MIN_THICKNESS = 0.001  # m
_CACHE_VERSION = "2"  # raised when the same file gives other parts
_UNITS = {
    0.001: "millimetres",
    0.01: "centimetres",
    0.0254: "inches",
    1.0: "metres",
}

_log = logging.getLogger(__name__)


def load_mesh(
    path: str | Path,
    *,
    scale: float = 1.0,
    mass: float | None = None,
    name: str | None = None,
    max_parts: int | None = None,
) -> Shape:
    """Make a shape from a mesh file.

    The physics and the simulated camera know the convex parts only. A surface that its hull
    follows within 1.5 mm is one part; others are split by CoACD, which takes seconds. The parts
    are kept in `cache_folder("meshes")` and found there the next time.

    Args:
        path: an `.obj`, `.stl`, `.ply`, `.glb` or `.off` file; its axes are kept (a `.glb` is
            turned to have z up).
        scale: metres per unit of the file; 0.001 for millimetres.
        mass: kg; None: from the parts' volume and DENSITY.
        name: of the shape; None: the file's. A hash of the content is added, so that no two
            meshes share a name.
        max_parts: at most so many convex parts; 1 for the hull; None for MAX_PARTS.
    Returns:
        The shape, its frame in the centre of its bounding box.
    Raises:
        UserError: the file is missing or broken, the scale cannot be meant, a number is out of
            range, or the surface cannot be split; the message says what to do.
    """
    path = Path(path).expanduser()
    if not (scale > 0 and math.isfinite(scale)):
        raise UserError(f"scale must be a positive number of metres per unit, not {scale}")
    if mass is not None and not (mass > 0 and math.isfinite(mass)):
        raise UserError(f"mass must be a positive number of kg, not {mass}")
    max_parts = MAX_PARTS if max_parts is None else max_parts
    if max_parts < 1:
        raise UserError(f"max_parts must be 1 or more, not {max_parts}")
    content = read_bytes(path)
    digest = hashlib.sha256(content)
    digest.update(repr((_CACHE_VERSION, path.suffix.lower(), float(scale), max_parts)).encode())
    cached = cache_folder("meshes") / f"{digest.hexdigest()}.npz"
    parts = _from_cache(cached)
    if parts is None or mass is None:
        mesh = parse_mesh(content, path)
        mesh.apply_scale(scale)
        _check_size(mesh.vertices, scale, path)
        if mass is None and not repair(mesh)[1]:
            raise UserError(
                f"{path} is not a closed surface: triangles are missing, or it has no thickness, "
                "so its mass is unknown; close it, or give its mass"
            )
        if parts is None:
            parts = convex_parts(mesh, max_parts, path)
            _keep(cached, parts)
    return _shape(parts, f"{name or path.stem}-{digest.hexdigest()[:8]}", mass)


def _shape(hulls: list[FloatArray], name: str, mass: float | None) -> Shape:
    """Put convex parts, (N, 3) m each, into a frame in the centre of their bounding box."""
    everything = np.concatenate(hulls)
    low, high = everything.min(0), everything.max(0)
    parts = tuple(Part("mesh", vertices=hull - (low + high) / 2) for hull in hulls)
    x, y, z = (float(side) for side in high - low)
    volume = sum(part.volume for part in parts)
    density = DENSITY if mass is None else mass / volume
    return Shape(name, parts, (x, y, z), density=density, rolls=True)  # it may be round


def _check_size(vertices: FloatArray, scale: float, path: Path) -> None:
    side = float(np.ptp(vertices, axis=0).max())
    if not MIN_SIZE <= side <= MAX_SIZE:
        hints = [
            f"it looks like {unit}; try scale={new:g}"
            for new, unit in _UNITS.items()
            if new != scale and 0.02 <= side / scale * new <= 0.3  # m, what a hand would take
        ]
        raise UserError(
            f"{path} would be {_length(side)} long at scale={scale:g}, outside "
            f"{_length(MIN_SIZE)} to {_length(MAX_SIZE)}; "
            f"{hints[0] if hints else 'give scale, the metres in a unit of the file'}"
        )
    centred = vertices - vertices.mean(0)
    thinnest = np.linalg.svd(centred, full_matrices=False)[2][-1]
    thickness = float(np.ptp(centred @ thinnest))
    try:
        solid = thickness >= MIN_THICKNESS and ConvexHull(centred).volume > 0
    except QhullError:
        solid = False
    if not solid:
        raise UserError(
            f"{path} is flat: {_length(thickness)} thick where an object needs "
            f"{_length(MIN_THICKNESS)}; give the surface a thickness"
        )


def _length(metres: float) -> str:
    return f"{metres:.3g} m" if metres >= 1 else f"{1e3 * metres:.3g} mm"


def _from_cache(path: Path) -> list[FloatArray] | None:
    """Return the parts, or None if they are not there, or damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            parts = [file[f"arr_{i}"] for i in range(len(file.files))]
        sound = bool(parts) and all(
            p.dtype == np.float64 and p.ndim == 2 and p.shape[1] == 3 and np.isfinite(p).all()
            for p in parts
        )
        for part in parts if sound else ():
            ConvexHull(part)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, QhullError):
        sound, parts = False, []
    if not sound:
        _log.info("%s is damaged and made anew", path)
    return parts if sound else None


def _keep(path: Path, parts: list[FloatArray]) -> None:
    content = io.BytesIO()
    np.savez(content, *parts)
    try:
        write_atomic(path, content.getvalue())
    except UserError as error:
        _warn_once(path.parent, str(error))


@functools.cache
def _warn_once(folder: Path, reason: str) -> None:
    _log.warning(
        "meshes are split anew each time (%s); set XDG_CACHE_HOME to a writable folder, not %s",
        reason,
        folder,
    )
