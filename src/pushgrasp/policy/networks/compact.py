"""A Q-network of under a million weights, made for two CPU cores.

A small U-Net on a crop around the target. Its convolutions are tied so that the mirror
images of a crop get the mirror images of its output, exactly: across the action's axis for
both primitives, and along it too for grasps, since a parallel jaw is symmetric. Nothing has
to be learned twice, and a grasp rotated by 180 degrees has the same value.
Source: group convolutions, Cohen and Welling 2016; for grasping, Zhu et al. 2022.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...errors import UserError
from ...interfaces import Primitive
from ..config import NetworkConfig
from .base import QNetwork, Scenes

HEIGHT_SCALE = 0.1  # m that count as 1
TARGET_PLANE = 2  # of the input
FLIPS = {"push": 2, "grasp": 4}
"""Symmetries of a network: identity and mirrored rows; for grasps columns and both as well. The
bits: 1 mirrors the rows, 2 the columns."""


class FlipConv(nn.Module):
    """A convolution with batch normalisation that commutes with mirroring.

    Channels come in `n_flips` groups, one for each mirror image; mirroring the input mirrors
    the output and swaps its groups. In evaluation the normalisation is folded into the
    weights, and costs nothing.
    """

    def __init__(
        self, n_in: int, n_out: int, size: int, n_flips: int, *, stride: int = 1, lift: bool = False
    ) -> None:
        """Make the layer.

        Args:
            n_in, n_out: channels per group.
            size: of the kernel; even with stride 2, so that it sits symmetrically.
            n_flips: 2 or 4.
            stride: 1 or 2.
            lift: the input is plain images, not groups.
        """
        super().__init__()
        groups_in = 1 if lift else n_flips
        scale = (2.0 / (groups_in * n_in * size * size)) ** 0.5  # He et al. 2015
        self.kernel = nn.Parameter(scale * torch.randn(n_out, groups_in, n_in, size, size))
        self.norm = nn.BatchNorm1d(n_out)
        self.n_flips, self.stride, self.padding = n_flips, stride, (size - stride + 1) // 2
        self._folded: tuple[tuple[tuple[int, int], ...], Tensor, Tensor] | None = None
        # versions of the parameters, weight, bias

    def weight(self) -> Tensor:
        """Expand the kernel to the weight (n_flips n_out, groups_in n_in, size, size)."""
        rows = []
        for flip in range(self.n_flips):
            kernel = self.kernel
            if kernel.shape[1] > 1:
                kernel = kernel[:, [flip ^ other for other in range(self.n_flips)]]
            rows.append(kernel.flip([3 + axis for axis in (0, 1) if flip >> axis & 1]))
        return torch.cat(rows).flatten(1, 2)

    def folded(self) -> tuple[Tensor, Tensor]:
        """Return weight and bias with the normalisation folded in, cached until they change."""
        norm = self.norm
        assert norm.running_mean is not None
        assert norm.running_var is not None
        parts = (self.kernel, norm.weight, norm.bias, norm.running_mean, norm.running_var)
        of = tuple((part.data_ptr(), part._version) for part in parts)
        if self._folded is None or self._folded[0] != of or torch.is_grad_enabled():
            scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
            bias = (norm.bias - norm.running_mean * scale).repeat(self.n_flips)
            weight = self.weight() * scale.repeat(self.n_flips)[:, None, None, None]
            if torch.is_grad_enabled():
                return weight, bias
            self._folded = of, weight, bias
        return self._folded[1:]

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return functional.conv2d(x, *self.folded(), self.stride, self.padding)
        weight = self.weight()
        y = functional.conv2d(x, weight, None, self.stride, self.padding)
        n, channels, height, width = y.shape
        grouped = y.permute(0, 2, 3, 1).reshape(-1, channels // self.n_flips)
        return self.norm(grouped).view(n, height, width, channels).permute(0, 3, 1, 2)


class Residual(nn.Module):
    """Residual block of two convolutions."""

    def __init__(self, n: int, n_flips: int) -> None:
        super().__init__()
        self.first = FlipConv(n, n, 3, n_flips)
        self.second = FlipConv(n, n, 3, n_flips)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.second(functional.relu(self.first(x))))


class Compact(QNetwork):
    """See the module docstring. Input planes: height, seen, target, objects, boundaries."""

    stride = 8
    sees_target = True

    def __init__(self, config: NetworkConfig, primitive: Primitive) -> None:
        super().__init__(config, primitive)
        k = self.n_flips = FLIPS[primitive]
        if min(config.widths) <= 0 or any(width % k for width in config.widths):
            raise UserError(f"widths {config.widths} must be positive multiples of {k}")
        self.half_turn_same = k == 4
        fine, middle, coarse = (width // k for width in config.widths)
        self.stem = FlipConv(5, fine, 4, k, stride=2, lift=True)
        self.down_middle = FlipConv(fine, middle, 4, k, stride=2)
        self.body_middle = Residual(middle, k)
        self.down_coarse = FlipConv(middle, coarse, 4, k, stride=2)
        self.body_coarse = nn.Sequential(Residual(coarse, k), Residual(coarse, k))
        self.up_middle = FlipConv(coarse, middle, 1, k)
        self.mix_middle = FlipConv(middle, middle, 3, k)
        self.up_fine = FlipConv(middle, fine, 1, k)
        self.mix_fine = FlipConv(fine, fine, 3, k)
        self.head = nn.Conv2d(fine, 1, 1)

    def planes(self, scenes: Scenes) -> Tensor:
        """Make (B, 5, H, W): height over 0.1 m, then 0 or 1: seen, target, objects, and boundaries
        (a neighbour has another label), which part touching blocks of equal height."""
        height = torch.as_tensor(scenes.height, device=self.device).float()
        labels = torch.as_tensor(scenes.labels, device=self.device)
        target = torch.as_tensor(scenes.target, device=self.device)
        seen = ~height.isnan()
        x = torch.zeros((len(labels), 5, *labels.shape[1:]), device=self.device)
        x[:, 0] = height.nan_to_num(nan=0.0) / HEIGHT_SCALE
        for plane, mask in enumerate((seen, target, labels > 0), start=1):
            x[:, plane] = mask
        below, beside = labels[:, 1:] != labels[:, :-1], labels[:, :, 1:] != labels[:, :, :-1]
        x[:, 4, 1:] = below
        x[:, 4, :-1][below] = 1
        x[:, 4, :, 1:][beside] = 1
        x[:, 4, :, :-1][beside] = 1
        return x

    def forward(self, x: Tensor) -> Tensor:
        fine = functional.relu(self.stem(x.contiguous(memory_format=torch.channels_last)))
        middle = self.body_middle(functional.relu(self.down_middle(fine)))
        coarse = self.body_coarse(functional.relu(self.down_coarse(middle)))
        middle = functional.relu(
            self.mix_middle(functional.relu(middle + _double(self.up_middle(coarse))))
        )
        fine = functional.relu(self.mix_fine(functional.relu(fine + _double(self.up_fine(middle)))))
        with torch.autocast(x.device.type, enabled=False):  # so that close values stay apart
            alike = fine.float().unflatten(1, (self.n_flips, -1)).mean(dim=1)
            return _double(self.head(alike))[:, 0]


def _double(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
