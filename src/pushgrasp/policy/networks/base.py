"""What every Q-network can do: see windows, score actions, encode training samples."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ...errors import UserError
from ...interfaces import Primitive
from ...perception.observation import Observation
from ...workspace import N_ROTATIONS, Workspace, rotation_angle
from ..config import NetworkConfig
from .crops import at_pixels, centroid, inside, to_window, windows

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Scenes:
    """B scenes of one workspace, with the target that each is looked at for."""

    height: npt.NDArray[np.floating]  # (B, H, W) m above the table; NaN where unseen
    labels: npt.NDArray[np.integer]  # (B, H, W) 0 background, 1..n objects
    target: npt.NDArray[np.bool_]  # (B, H, W) the current target; may be empty
    color: npt.NDArray[np.uint8] | None  # (B, H, W, 3) sRGB; `compact` does not need it
    workspace: Workspace

    @classmethod
    def of(cls, observation: Observation, target: Mask) -> Scenes:
        """One scene (B = 1), without a copy."""
        seen = observation.heightmap
        return cls(
            height=seen.height[None],
            labels=observation.labels[None],
            target=target[None],
            color=seen.color[None],
            workspace=seen.workspace,
        )


class QNetwork(nn.Module):
    """Values of one primitive. The input is turned, so that only rightward actions are judged.

    Subclasses say how an observation becomes input planes and how a window is judged.
    """

    stride = 1
    """The side of a window must be a multiple of it."""
    chunk = N_ROTATIONS
    """Windows that go through the network at once."""
    sees_target = False
    """Whether the target's mask is an input; else the mask only selects among the outputs."""
    for_gpu = False
    """Too slow for a CPU, so that `device="auto"` takes a GPU."""
    half_turn_same = False
    """Whether a half turn of the window turns the output and nothing else, as a parallel jaw
    demands; then eight rotations are scored and copied to the other eight."""

    def __init__(self, config: NetworkConfig, primitive: Primitive) -> None:
        super().__init__()
        if config.crop_px <= 0 or config.crop_px % self.stride:
            raise UserError(
                f"crop_px {config.crop_px} does not suit {config.name}; "
                f"it must be a positive multiple of {self.stride}"
            )
        if not config.crop_resolution > 0:
            raise UserError(f"crop_resolution {config.crop_resolution} must be above 0 m")
        self.config = config
        self.primitive: Primitive = primitive

    def planes(self, scenes: Scenes) -> Tensor:
        """(B, C, H, W) float32 input images, in which 0 stands for "nothing known"."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Judge the rightward action at each pixel of windows.

        Args:
            x: (B, C, h, w), from `encode` or `windows`.
        Returns:
            (B, h, w) float32: logits if the config's output is "probability", else Q.
        """
        raise NotImplementedError

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    def autocast(self) -> torch.autocast:
        """bfloat16 where the processor computes in it; it halves the time or better."""
        kind = self.device.type
        fast = kind == "cuda" or (kind == "cpu" and torch.cpu._is_avx512_bf16_supported())
        return torch.autocast(kind, torch.bfloat16, enabled=fast)

    def centers(self, scenes: Scenes) -> Tensor:
        """(B, 2) row and column of the windows' centres: the targets' centroids, or the middle
        of the workspace if the config says so or the target is empty."""
        masks = torch.as_tensor(scenes.target, device=self.device)
        return centroid(masks if self.config.window == "target" else torch.zeros_like(masks))

    def encode(
        self,
        scenes: Scenes,
        pixels: npt.ArrayLike,
        rotations: npt.ArrayLike,
        *,
        shifts: npt.ArrayLike | None = None,
        flips: npt.ArrayLike | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Training input for executed actions: the window each was chosen in, and where.

        `at_pixels(network(x), place)[:, 0]` is then what `score` gives for the actions, but
        for the sigmoid.

        Args:
            scenes: B scenes.
            pixels: (B, 2) row and column of the actions.
            rotations: (B,) rotation indices.
            shifts: (B, 2) rows and columns by which to move the windows, in heightmap pixels.
            flips: (B, 2) bool, mirror the rows (leaves pushes and grasps what they are), the
                columns (grasps only).
        Returns:
            x: (B, C, h, w) for `forward`; place: (B, 1, 2) for `at_pixels`.
        """
        centers = self.centers(scenes)
        if shifts is not None:
            centers = centers + self._tensor(shifts)
        angles = self._tensor(rotation_angle(np.asarray(rotations)))
        flipped = None if flips is None else torch.as_tensor(flips, device=self.device)
        view = self._view(scenes.workspace)
        x = windows(self.planes(scenes), centers, angles, flips=flipped, **view)
        place = to_window(self._tensor(pixels)[:, None], centers, angles, flips=flipped, **view)
        return x, place

    @torch.inference_mode()
    def score(
        self,
        observation: Observation,
        target: Mask,
        allowed: Mask,
        rotations: Collection[int] | None = None,
    ) -> npt.NDArray[np.float32]:
        """Values of all allowed actions.

        Args:
            observation: the look at the table.
            target: (H, W) bool, the current target; may be empty.
            allowed: (H, W) bool, pixels to score. Those outside the window are left out.
            rotations: rotation indices to score; None for all.
        Returns:
            (16, H, W) float32: Q, or probabilities if the config says so; -inf elsewhere.
        """
        wanted = range(N_ROTATIONS) if rotations is None else sorted(set(rotations))
        q = np.full((N_ROTATIONS, *allowed.shape), -np.inf, np.float32)
        rows, columns = np.nonzero(allowed)
        if not len(rows) or not wanted:
            return q
        period = N_ROTATIONS // 2 if self.half_turn_same else N_ROTATIONS
        scored = sorted({r % period for r in wanted})
        pixels = np.stack([rows, columns], axis=1)
        values = self._values(Scenes.of(observation, target), pixels, scored)
        of = dict(zip(scored, values, strict=True))
        for rotation in wanted:
            q[rotation, rows, columns] = of[rotation % period]
        return q

    def _values(
        self, scene: Scenes, pixels: npt.NDArray[np.int64], rotations: Sequence[int]
    ) -> npt.NDArray[np.float32]:
        """(R, P) values of P pixels (P, 2) at R rotations; -inf outside the window."""
        view = self._view(scene.workspace)
        planes = self.planes(scene)
        center = self.centers(scene)
        points = self._tensor(pixels)[None]
        values = []
        was_training = self.training
        self.eval()
        with self.autocast():
            for first in range(0, len(rotations), self.chunk):
                turns = np.asarray(rotations[first : first + self.chunk])
                angles = self._tensor(rotation_angle(turns))
                n = len(turns)
                maps = self(windows(planes, center.expand(n, -1), angles, **view))
                place = to_window(points.expand(n, -1, -1), center.expand(n, -1), angles, **view)
                value = at_pixels(maps, place)
                if self.config.output == "probability":
                    value = value.sigmoid()
                seen = inside(place, self.config.crop_px)
                values.append(value.masked_fill(~seen, -torch.inf).cpu())
        self.train(was_training)
        return torch.cat(values).numpy()

    def _view(self, workspace: Workspace) -> dict:
        return {
            "crop_px": self.config.crop_px,
            "crop_resolution": self.config.crop_resolution,
            "workspace": workspace,
        }

    def _tensor(self, values: npt.ArrayLike) -> Tensor:
        return torch.as_tensor(np.asarray(values, np.float32), device=self.device)
