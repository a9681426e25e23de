"""The video of an episode: the robot at work, and beside it what it decided and why."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import imageio_ffmpeg
import numpy as np
import numpy.typing as npt

from ..errors import UserError
from .draw import panels
from .draw.canvas import BAD, CARD, GOAL, GOOD, INK, LINE, MUTED, RIM, Canvas, Picture, wrap
from .draw.words import headline, outcome_words, q_words, target_words, went_well

if TYPE_CHECKING:
    from ..retrieve import Step

SIZE = (1280, 720)  # pixels, width and height; even, as the codec wants
FPS = 20
_SCENE = (880, 660)  # pixels
_PANEL = 320  # pixels

Scene = Callable[[], Picture]
"""Draws one picture of the world; called on another thread than the one that recorded it."""


class VideoWriter:
    """An MP4 file (H.264, plays everywhere) made of moments that are drawn later.

    A moment of the world is cheap to keep and slow to draw, and the decision that explains
    it is known only when its step is over: moments are queued by `moment` while the robot
    moves, drawn on a second thread, and laid out and encoded by `step`.

    Args:
        path: the file to write, inside a folder that exists.
        title: shown in a corner of every picture.
        goal_rgb: the goal's colour, sRGB.
    """

    def __init__(self, path: str | Path, title: str, goal_rgb: tuple[int, int, int]) -> None:
        self._path = Path(path)
        self._title, self._goal_rgb = title, goal_rgb
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="video")
        self._moments: list[Future[Picture]] = []
        self._last: Picture | None = None
        self.n_frames = 0
        self._encoder: Generator[None, npt.NDArray[np.uint8], None] | None = None

    def moment(self, draw: Scene) -> None:
        """Keep a moment; `draw` is called soon, on a thread of its own, never two at a time."""
        self._moments.append(self._pool.submit(draw))

    def step(self, step: Step, lengths: panels.Lengths | None = None) -> None:
        """Write the moments since the last step, with that step's decision beside them."""
        moments, self._moments = self._moments, []
        opening = self._last if self._last is not None or not moments else moments[0].result()
        before = self._page(step, lengths, done=False)
        if opening is not None:
            self._write(before, [opening] * FPS)  # a second to read the decision
        for moment in moments:
            self._write(before, [moment.result()])
        if self._last is not None:
            self._write(self._page(step, lengths, done=True), [self._last] * (FPS // 2))

    def close(self, sentence: str = "", *, success: bool = False) -> None:
        """Finish the file, its last picture saying how it ended.

        Raises:
            UserError: the file could not be written.
        """
        if sentence and self._last is not None:
            canvas = Canvas(*SIZE)
            canvas.paste(_fit(self._last), 20, 20)
            canvas.box(920, 20, 340, 660, CARD, LINE)
            canvas.text(944, 60, "✓" if success else "✗", 72, GOOD if success else BAD)
            y = 170
            for line in wrap(sentence, 292, 24, bold=True):
                canvas.text(944, y, line, 24, INK, bold=True)
                y += 34
            self._footer(canvas)
            self._send([canvas.picture()] * (2 * FPS))
        self.abandon()
        if not self._path.is_file() or not self._path.stat().st_size:
            raise UserError(f"the video {self._path.name} could not be written; is the disk full?")

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.abandon()

    def abandon(self) -> None:
        """Let go of the thread and the encoder, whatever has been written."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._encoder is not None:
            self._encoder.close()

    def _write(self, page: Picture, scenes: Sequence[Picture]) -> None:
        for scene in scenes:
            if scene is not self._last or self.n_frames == 0:
                self._last = scene
            page[20:680, 20:900] = _fit(scene)
            self._send([page])

    def _send(self, pictures: Sequence[Picture]) -> None:
        if self._encoder is None:
            self._encoder = _encoder(self._path)
        for picture in pictures:
            try:
                self._encoder.send(np.ascontiguousarray(picture))
            except (OSError, StopIteration) as error:
                raise UserError(f"cannot write the video {self._path.name}: {error}") from error
            self.n_frames += 1

    def _page(self, step: Step, lengths: panels.Lengths | None, *, done: bool) -> Picture:
        """Everything but the scene itself."""
        canvas, decision = Canvas(*SIZE), step.decision
        canvas.box(19, 19, 882, 662, None, LINE)
        x, y = 930, 20
        canvas.text(x, y, f"Decision {step.index + 1}", 17, MUTED)
        y += 26
        for line in wrap(headline(step), _PANEL, 21, bold=True)[:2]:
            canvas.text(x, y, line, 21, INK, bold=True)
            y += 28
        y = 96
        view = panels.view_of(step, _PANEL)
        canvas.paste(panels.color_panel(step, view, lengths or panels.Lengths()), x, y)
        canvas.box(x - 1, y - 1, _PANEL + 2, _PANEL + 2, None, LINE)
        y += _PANEL + 16
        for line in wrap(f"Target: {target_words(decision)}", _PANEL, 15)[:3]:
            canvas.text(x, y, line, 15)
            y += 20
        scale = panels.q_range(decision)
        for name, value in (("Q grasp", decision.q_grasp), ("Q push", decision.q_push)):
            y += 8
            canvas.text(x, y, name, 16, MUTED)
            canvas.text(x + _PANEL, y, q_words(value), 16, INK, bold=True, anchor="ra")
            canvas.box(x + 80, y + 6, 180, 9, LINE, None)
            if np.isfinite(value):
                share = np.clip((value - scale[0]) / max(scale[1] - scale[0], 1e-9), 0, 1)
                canvas.box(x + 80, y + 6, max(6, int(share * 180)), 9, (58, 82, 139), None)
            y += 22
        y += 14
        if done:
            good = went_well(step)
            text = f"{'✓' if good else '✗'} {outcome_words(step)}"
            canvas.fitted(x, y + 12, text, _PANEL, 22, GOOD if good else BAD, bold=True)
        canvas.box(x, 652, 20, 20, self._goal_rgb, RIM)
        canvas.text(x + 30, 662, "goal", 16, MUTED, anchor="lm")
        canvas.box(x + 92, 652, 20, 20, None, GOAL)
        canvas.text(x + 122, 662, "where it is seen", 16, MUTED, anchor="lm")
        self._footer(canvas)
        return canvas.picture()

    def _footer(self, canvas: Canvas) -> None:
        canvas.text(20, 702, self._title, 15, MUTED, anchor="lm")


def _encoder(path: Path) -> Generator[None, npt.NDArray[np.uint8], None]:
    """Takes pictures by `send`; the file is complete once it is closed."""
    encoder = imageio_ffmpeg.write_frames(
        str(path), SIZE, fps=FPS, codec="libx264", macro_block_size=2, pix_fmt_out="yuv420p",
        ffmpeg_log_level="quiet",  # interrupted, it would complain of the folder that has gone
        output_params=["-preset", "veryfast", "-crf", "24", "-movflags", "+faststart"],
    )  # fmt: skip
    encoder.send(None)
    return encoder


def _fit(scene: Picture) -> Picture:
    return cv2.resize(scene, _SCENE, interpolation=cv2.INTER_CUBIC).astype(np.uint8)
