"""A network that says how soon a goal is out if a candidate is played: gamma^(n-1), 0 for never.

What does not depend on the goal is computed once per candidate and serves many goals: in learning
every object of a scene, at decision time one.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from .proposals import Candidates
from .views import (
    CELLS,
    Bytes,
    Goals,
    action_numbers,
    goal_cells,
    goal_numbers,
    goal_planes,
    trunk_planes,
    views,
)

GAMMA = 0.8
Encoded = tuple[tuple[Tensor, Tensor], Tensor, tuple[Tensor, Tensor], Tensor, Tensor, Tensor]
"""Crops, the action's numbers, the goals' cells and numbers; the goals' surroundings per look, and
which look is each candidate's."""
N_ACTION, N_GOAL = 8, 8  # numbers beside the crops


class _Trunk(nn.Module):
    """Features of one crop and of how the action is carried out."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(6, width, 5, 2, 2, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.how = nn.Linear(N_ACTION, width)
        self.down = nn.Conv2d(width, out, 3, 2, 1, bias=False)
        self.norm_down = nn.BatchNorm2d(out)
        self.body = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.norm_body = nn.BatchNorm2d(out)

    def forward(self, x: Tensor, how: Tensor) -> Tensor:
        x = functional.relu(self.norm(self.stem(x)) + self.how(how)[:, :, None, None])
        x = functional.relu(self.norm_down(self.down(x)))
        return functional.relu(x + self.norm_body(self.body(x)))


class ValueNetwork(nn.Module):
    """See the module docstring; about 0.2 million weights."""

    def __init__(self) -> None:
        super().__init__()
        self.fine, self.coarse = _Trunk(24, 32), _Trunk(16, 32)
        self.mix_fine = nn.Conv2d(34, 48, 3, 2, 1)
        self.mix_coarse = nn.Conv2d(34, 32, 3, 2, 1)
        self.flat_fine = nn.Linear(48 * 16, 96)
        self.flat_coarse = nn.Linear(32 * 9, 48)
        self.around = nn.Sequential(
            nn.Conv2d(6, 16, 5, 2, 2, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
            nn.Conv2d(16, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
            nn.Flatten(), nn.Linear(32 * 36, 64), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Sequential(
            nn.Linear(96 + 48 + 64 + N_ACTION + N_GOAL, 96), nn.ReLU(),
            nn.Linear(96, 48), nn.ReLU(), nn.Linear(48, 2),
        )  # fmt: skip
        with torch.no_grad():
            cast(nn.Linear, self.head[-1]).bias.copy_(torch.tensor([-2.0, -2.0]))

    def trunk(self, planes: tuple[Tensor, Tensor], how: Tensor) -> tuple[Tensor, Tensor]:
        """Compute what serves all goals, for N candidates."""
        fine = planes[0].contiguous(memory_format=torch.channels_last)
        coarse = functional.avg_pool2d(planes[1], 2).contiguous(memory_format=torch.channels_last)
        return self.fine(fine, how), self.coarse(coarse, how)

    def values(
        self,
        features: tuple[Tensor, Tensor],
        how: Tensor,
        cells: tuple[Tensor, Tensor],
        numbers: Tensor,
        around: Tensor,
    ) -> Tensor:
        """Compute two logits (N, G, 2): this action takes the goal; the value of the next look.

        Args:
            features: of `trunk`.
            how: (N, N_ACTION).
            cells: (N, G, 2, c, c) each.
            numbers: (N, G, N_GOAL).
            around: (N, G, 64) features of the goal's surroundings.
        """
        n, g = numbers.shape[:2]
        parts: list[Tensor] = []
        for feature, cell, mix, flat in (
            (features[0], cells[0], self.mix_fine, self.flat_fine),
            (features[1], cells[1], self.mix_coarse, self.flat_coarse),
        ):
            # the convolution is linear: the features' part is computed once for all goals
            shared = functional.conv2d(feature, mix.weight[:, 2:], mix.bias, 2, 1)
            own = functional.conv2d(cell.flatten(0, 1), mix.weight[:, :2], None, 2, 1)
            x = functional.relu(shared[:, None] + own.unflatten(0, (n, g)))
            parts.append(functional.relu(flat(x.flatten(2))))
        rest = torch.cat([*parts, around, how[:, None].expand(-1, g, -1), numbers], 2)
        return cast(Tensor, self.head(rest))

    @torch.inference_mode()
    def value(self, x: Encoded) -> npt.NDArray[np.float32]:
        """Compute the values (N, G), 0 to 1, of what `encode` returned."""
        taken, later = self(*x).sigmoid().unbind(-1)
        return (taken + (1 - taken) * GAMMA * later).numpy()

    def forward(
        self,
        planes: tuple[Tensor, Tensor],
        how: Tensor,
        cells: tuple[Tensor, Tensor],
        numbers: Tensor,
        goals: Tensor,
        look: Tensor,
    ) -> Tensor:
        around = self.around(goals.flatten(0, 1)).unflatten(0, goals.shape[:2])
        return self.values(self.trunk(planes, how), how, cells, numbers, around[look])


def encode(
    tables: Bytes,
    look: npt.NDArray[np.integer],
    candidates: Candidates,
    goals: Goals,
    *,
    turn: npt.NDArray[np.floating] | None = None,
    mirror: npt.NDArray[np.bool_] | None = None,
    shift: npt.NDArray[np.floating] | None = None,
) -> Encoded:
    """Make the network's input.

    Args:
        tables: (T, h, w, 3), see `views.table`.
        look: (N,) the table of each candidate.
        candidates: (N,) of CANDIDATE.
        goals: of the candidates.
        turn, mirror, shift: other views of the same actions; see `views`.
    """
    v = views(tables, look, candidates, turn=turn, mirror=mirror, shift=shift)
    looks, first, own = np.unique(look, return_index=True, return_inverse=True)
    rotation = np.zeros(len(looks), int) if turn is None else candidates["rotation"][first]
    arrays = (
        *(trunk_planes(crop, v.own, v.height) for crop in (v.fine, v.coarse)),
        action_numbers(candidates, v),
        *(goal_cells(c, goals.owner, k) for c, k in zip((v.fine, v.coarse), CELLS, strict=True)),
        goal_numbers(candidates, v, goals, turn, mirror),
        goal_planes(tables, looks, goals.at(first), rotation),
        own,
    )
    fine, coarse, how, near, far, numbers, around, index = map(torch.from_numpy, arrays)
    return (fine, coarse), how, (near, far), numbers, around, index
