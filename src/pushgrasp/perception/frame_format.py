"""Checks of a frame whatever it shows: shapes, types, units, intrinsics and pose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import UserError
from ..interfaces import Intrinsics, RGBDFrame
from ..workspace import Workspace
from .calibration_checks import check_intrinsics, check_pose
from .likely_causes import depth_factor, unit_words

DEEPEST = 60.0  # m; the median depth of a frame in metres is smaller
DARKEST, BRIGHTEST = 6, 250  # of 255; a picture all below or all above shows nothing
STRIDE = 12  # px between the pixels that are looked at

Array = npt.NDArray[Any]


def check_frame(frame: RGBDFrame, workspace: Workspace | None = None) -> RGBDFrame:
    """Refuse a frame that cannot be right, whatever it shows.

    Args:
        frame: the frame.
        workspace: what it should show, to name a wrong unit; None for the standard one.
    Returns:
        The frame; its images and pose as arrays, if they were given as lists.
    Raises:
        UserError: with the likely cause.
    """
    given: Any = frame  # whatever a caller without a type checker gives
    if not isinstance(given, RGBDFrame):
        raise UserError(
            f"a frame is a {type(given).__name__}; it must be an RGBDFrame(color, depth, "
            "intrinsics, T_world_camera)"
        )
    k = frame.intrinsics
    check_intrinsics(k, "the frame's intrinsics")
    color, depth = _array(frame.color, "colour"), _array(frame.depth, "depth")
    _check_shapes(color, depth, k)
    _check_color(color, depth)
    pose = check_pose(frame.T_world_camera, k, workspace)
    _check_depth(depth, k, pose, workspace or Workspace())
    if pose is frame.T_world_camera and color is frame.color and depth is frame.depth:
        return frame
    return replace(frame, color=color, depth=depth, T_world_camera=pose)


def _array(image: Any, what: str) -> Array:
    """Take an image as an array of numbers."""
    try:
        array = np.asarray(image)
    except Exception as error:  # a tensor on a GPU, for example
        raise UserError(f"the {what} is no array: {error}") from error
    if array.dtype.kind not in "uif":
        raise UserError(
            f"the {what} is a {type(image).__name__} of {array.dtype}; give an array of numbers"
        )
    return array


def _check_shapes(color: Array, depth: Array, k: Intrinsics) -> None:
    image = (k.height, k.width)
    if depth.shape == (*image, 1):
        raise UserError(
            f"the depth has shape {depth.shape}; it must be {k.height} x {k.width}: give "
            "depth[..., 0]"
        )
    if depth.shape == image[::-1] != image:
        raise UserError(
            f"the depth has {k.width} rows and {k.height} columns: it is transposed; rows come "
            "first"
        )
    to_do = ""
    if depth.shape == image and color.shape != (*image, 3):
        to_do = {
            (*image, 4): "it has an alpha channel: give color[..., :3]",
            (3, *image): "channels come last: give color.transpose(1, 2, 0)",
            (*image[::-1], 3): "it is transposed: rows come first",
            image: "it is grey; the goal is found by its colour",
            (*image, 1): "it is grey; the goal is found by its colour",
        }.get(color.shape, "")
    if to_do:
        raise UserError(f"the colour has shape {color.shape}; it must be {(*image, 3)}: {to_do}")
    if depth.shape != image or color.shape != (*image, 3):
        raise UserError(
            f"the frame has colour {color.shape} and depth {depth.shape}, but its intrinsics say "
            f"{k.width} x {k.height} pixels; align the images to one camera, or give the "
            "intrinsics of this resolution"
        )


def _check_color(color: Array, depth: Array) -> None:
    if color.dtype != np.uint8:
        most = float(np.nanmax(color)) if np.isfinite(color).any() else float("nan")
        if color.dtype.kind == "f" and most <= 1.0:
            to_do = "multiply by 255 and convert to uint8"
        elif color.dtype == np.uint16 and most > 255:
            to_do = "divide by 257 and convert to uint8"
        else:
            to_do = "give uint8 from 0 to 255"
        raise UserError(f"the colours are {color.dtype}, up to {most:g}; {to_do}")
    sample = color[::STRIDE, ::STRIDE][depth[::STRIDE, ::STRIDE] > 0]
    if len(sample) and sample.max() <= DARKEST:
        raise UserError(
            f"the picture is black: its brightest colour is {sample.max()} of 255; is the lens "
            "covered, the lamp off, or the exposure too short?"
        )
    if len(sample) and sample.min() >= BRIGHTEST:
        raise UserError(
            f"the picture is white: its darkest colour is {sample.min()} of 255; expose it less"
        )


def _check_depth(depth: Array, k: Intrinsics, pose: Array, workspace: Workspace) -> None:
    sample = np.asarray(depth[::STRIDE, ::STRIDE], np.float64)
    sample = sample[np.isfinite(sample) & (sample != 0)]
    if not sample.size:
        return
    if (sample < 0).mean() > 0.6 and np.median(sample) > -DEEPEST:
        # a code for no return is often negative, too, but then most pixels are not
        if _covers(-np.asarray(depth, np.float32), k, pose, workspace):
            raise UserError(
                "the depth is negative: in its convention z points back to the camera; give -depth"
            )
        return
    middle = float(np.median(sample[sample > 0])) if (sample > 0).any() else 0.0
    if depth.dtype.kind == "f" and middle <= DEEPEST:
        return
    if depth.dtype == np.uint8:
        to_do = (
            "8 bits are a picture of the depth for people, not a measurement; give the camera's "
            "depth image, as float32 in metres"
        )
    else:
        factor = depth_factor(depth, k, pose, workspace)
        to_do = (
            "multiply by the camera's depth scale (0.001 for millimetres, 0.01 for centimetres, "
            "0.0001 for the counts of a RealSense D405), as float32"
        )
        if factor is not None:
            unit = unit_words(factor) or "check its depth scale"
            to_do = (
                f"multiplied by {factor:.3g} it would put the table in its place: {unit}. Give "
                "float32 in metres"
            )
    if middle > DEEPEST:
        raise UserError(
            f"the depth's median is {middle:.0f}; is it in millimetres, centimetres or raw counts? "
            f"It must be metres: {to_do}"
        )
    raise UserError(f"the depth is {depth.dtype}, median {middle:g}; it must be metres: {to_do}")


def _covers(depth: Array, k: Intrinsics, pose: Array, workspace: Workspace) -> bool:
    factor = depth_factor(depth, k, pose, workspace)
    return factor is not None and 0.8 < factor < 1.25
