"""Rotated crops: the image and the arithmetic agree."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pushgrasp.policy.networks.crops import at_pixels, centroid, crops, inside, to_crop
from pushgrasp.workspace import Workspace

WORKSPACE = Workspace()
VIEW = {"crop_px": 80, "crop_resolution": 0.003, "workspace": WORKSPACE}
ANGLES = st.floats(-7.0, 7.0)
PIXELS = st.tuples(st.integers(60, 160), st.integers(60, 160))
FLIPS = st.tuples(st.booleans(), st.booleans())


def bump(row: int, column: int) -> torch.Tensor:
    """(1, 1, 224, 224): a smooth spot whose top is a pixel."""
    rows, columns = torch.meshgrid(torch.arange(224.0), torch.arange(224.0), indexing="ij")
    return torch.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 18)[None, None]


@settings(deadline=None, max_examples=40)
@given(PIXELS, PIXELS, ANGLES, FLIPS)
def test_to_crop_says_where_crops_puts_a_pixel(
    pixel: tuple[int, int], center: tuple[int, int], angle: float, flip: tuple[bool, bool]
) -> None:
    centers, angles = torch.tensor([center]) + 0.3, torch.tensor([angle])
    flips = torch.tensor([flip])
    image = crops(bump(*pixel), centers, angles, flips=flips, **VIEW)[0, 0]
    place = to_crop(torch.tensor([[pixel]]), centers, angles, flips=flips, **VIEW)[0, 0]
    if not ((place > 8) & (place < 71)).all():  # the spot is cut off
        return
    weight = image / image.sum()
    axis = torch.arange(80.0)
    assert (weight.sum(1) @ axis - place[0]).abs() < 0.1
    assert (weight.sum(0) @ axis - place[1]).abs() < 0.1


@settings(deadline=None, max_examples=40)
@given(PIXELS, ANGLES, FLIPS, st.floats(-30, 30))
def test_the_action_points_to_the_right(
    pixel: tuple[int, int], angle: float, flip: tuple[bool, bool], distance: float
) -> None:
    """A point ahead along the yaw lies further right, or left if the columns are mirrored."""
    ahead = [pixel[0] + distance * math.sin(angle), pixel[1] + distance * math.cos(angle)]
    place = to_crop(
        torch.tensor([[pixel, ahead]]),
        torch.tensor([[111.5, 111.5]]),
        torch.tensor([angle]),
        flips=torch.tensor([flip]),
        **VIEW,
    )[0]
    step = place[1] - place[0]
    assert step[0].abs() < 1e-3
    sign = -1 if flip[1] else 1
    assert step[1].item() == pytest.approx(sign * distance * 0.002 / 0.003, abs=1e-3)


def test_a_crop_of_the_workspace_itself_is_the_workspace() -> None:
    image = torch.rand(1, 3, 224, 224)
    view = {"crop_px": 224, "crop_resolution": 0.002, "workspace": WORKSPACE}
    same = crops(image, torch.tensor([[111.5, 111.5]]), torch.zeros(1), **view)
    torch.testing.assert_close(same, image, atol=1e-4, rtol=0)
    turned = crops(image, torch.tensor([[111.5, 111.5]]), torch.tensor([math.pi / 2]), **view)
    # Yaw 90 degrees points to the next row; turned, that points to the next column.
    torch.testing.assert_close(turned, image.transpose(2, 3).flip(2), atol=1e-4, rtol=0)


def test_outside_the_images_is_zero() -> None:
    corner = crops(torch.ones(1, 1, 224, 224), torch.zeros(1, 2), torch.zeros(1), **VIEW)[0, 0]
    assert corner[:38, :].eq(0).all()
    assert corner[41:, 41:].eq(1).all()


def test_one_image_serves_many_crops() -> None:
    image, centers = torch.rand(1, 2, 224, 224), torch.tensor([[100.0, 90.0]]).expand(5, -1)
    angles = torch.arange(5) * 0.4
    together = crops(image, centers, angles, **VIEW)
    alone = [crops(image, centers[i : i + 1], angles[i : i + 1], **VIEW) for i in range(5)]
    torch.testing.assert_close(together, torch.cat(alone))


def test_a_smaller_workspace_pixel_is_taken_into_account() -> None:
    fine = Workspace(resolution=0.001)
    view = {"crop_px": 80, "crop_resolution": 0.003, "workspace": fine}
    place = to_crop(
        torch.tensor([[[10.0, 16.0]]]), torch.tensor([[10.0, 10.0]]), torch.zeros(1), **view
    )
    torch.testing.assert_close(place, torch.tensor([[[39.5, 41.5]]]))


def test_at_pixels_reads_between_pixels() -> None:
    maps = torch.arange(12.0).reshape(1, 3, 4).repeat(2, 1, 1)
    places = torch.tensor([[[1.0, 2.0], [0.5, 0.5]], [[2.0, 3.0], [9.0, 9.0]]])
    expected = torch.tensor([[6.0, 2.5], [11.0, 11.0]])
    torch.testing.assert_close(at_pixels(maps, places), expected)


def test_inside_is_the_pixels_centres() -> None:
    places = torch.tensor([[0.0, 0.0], [79.0, 79.0], [-0.1, 5.0], [5.0, 79.1]])
    assert inside(places, 80).tolist() == [True, True, False, False]


def test_centroid_of_masks_and_of_nothing() -> None:
    masks = torch.zeros(2, 9, 7, dtype=torch.bool)
    masks[0, 2:4, 5] = True
    torch.testing.assert_close(centroid(masks), torch.tensor([[2.5, 5.0], [4.0, 3.0]]))
