"""The board prints true to size and is found in a picture."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from pushgrasp.hardware.calibration.board import A4, DOTS_PER_MM, Board, print_board


def test_all_corners_are_found_in_a_slanted_picture() -> None:
    board = Board()
    flat = board.draw(2.0)
    h, w = flat.shape
    k = np.array([[420.0, 0, 424], [0, 420, 240], [0, 0, 1]])
    T = np.eye(4)
    T[:3, :3] = cv2.Rodrigues(np.array([0.5, 0.2, 0.1]))[0]
    T[:3, 3] = (-0.12, -0.09, 0.6)
    ends = np.array([(0, 0, 0), (w, 0, 0), (w, h, 0), (0, h, 0)]) / 2000.0
    seen = (ends @ T[:3, :3].T + T[:3, 3]) @ k.T
    target = (seen[:, :2] / seen[:, 2:]).astype(np.float32)
    source = np.array([(0, 0), (w, 0), (w, h), (0, h)], np.float32) - 0.5
    warp = cv2.getPerspectiveTransform(source, target)
    picture = cv2.warpPerspective(
        flat, warp, (848, 480), flags=cv2.INTER_AREA, borderValue=160.0
    ).astype(np.uint8)
    corners, points = board.detect(picture)
    assert len(corners) == (board.columns - 1) * (board.rows - 1)
    projected = (points @ T[:3, :3].T + T[:3, 3]) @ k.T
    assert np.abs(projected[:, :2] / projected[:, 2:] - corners).max() < 0.5


def test_an_empty_picture_has_no_corners() -> None:
    corners, points = Board().detect(np.full((480, 848), 90, np.uint8))
    assert corners.shape == (0, 2)
    assert points.shape == (0, 3)


def test_the_page_is_a4_and_the_squares_are_true_to_size(tmp_path: Path) -> None:
    board = Board()
    height, width = board.draw().shape
    assert abs(width / DOTS_PER_MM - 266) < 0.05
    assert abs(height / DOTS_PER_MM - 190) < 0.05
    print_board(tmp_path / "board.pdf", board)
    data = (tmp_path / "board.pdf").read_bytes()
    assert data.startswith(b"%PDF")
    box = data[data.index(b"/MediaBox") :][:80]
    sides = [float(v) for v in box.split(b"[")[1].split(b"]")[0].split()][2:]
    assert np.allclose(np.array(sides) / 72 * 25.4, A4, atol=0.1)
    assert [p.name for p in tmp_path.iterdir()] == ["board.pdf"]
