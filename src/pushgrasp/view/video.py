"""The video of an episode: the moving robot beside its decisions and their reasons."""

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
from .draw.actions import ActionGeometry
from .draw.sheet import BAD, CARD, GOAL, GOOD, INK, LINE, MUTED, RIM, Color, Picture, Sheet, wrap
from .draw.words import headline, outcome_words, q_words, target_words, went_well

if TYPE_CHECKING:
    from ..interfaces import RGBDFrame
    from ..retrieve import Step

SIZE = (1280, 720)  # pixels, width and height; even, as the codec wants
FPS = 20
_SCENE = (880, 660)  # pixels
_PANEL = 320  # pixels

DrawScene = Callable[[], Picture]
"""Renders one state of the world; called on another thread than the one that recorded it."""


class VideoWriter:
    """Writes an MP4 file (H.264) from states of the world that are rendered later.

    A state is cheap to keep and slow to render, and the decision that explains it is known only
    when its step is over: states are queued by `moment` while the robot moves, rendered on a
    second thread, and laid out and encoded by `add`.

    Args:
        path: the file to write, inside a folder that exists.
        title: shown in a corner of every frame.
        goal_rgb: the goal's colour, sRGB.
        geometry: what actions are drawn with; None: the standard jaw and primitives.
    """

    def __init__(
        self, path: str | Path, title: str, goal_rgb: Color, geometry: ActionGeometry | None = None
    ) -> None:
        self._path = Path(path)
        self._title, self._goal_rgb = title, goal_rgb
        self._geometry = geometry or ActionGeometry()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="video")
        self._moments: list[Future[Picture]] = []
        self._last: Picture | None = None
        self.n_frames = 0
        self._encoder: Generator[None, npt.NDArray[np.uint8], None] | None = None

    def moment(self, draw: DrawScene) -> None:
        """Keep a state; `draw` is called soon, on a second thread, never two at a time."""
        self._moments.append(self._pool.submit(draw))

    def add(
        self, step: Step, frame: RGBDFrame | None = None, *, lifted: bool | None = None
    ) -> None:
        """Write the motion since the last step beside this step's decision.

        Args:
            step: what was seen, decided and done.
            frame, lifted: not shown.
        """
        moments, self._moments = self._moments, []
        opening = self._last if self._last is not None or not moments else moments[0].result()
        before = self._page(step, done=False)
        if opening is not None:
            self._write(before, [opening] * FPS)  # a second to read the decision
        for moment in moments:
            self._write(before, [moment.result()])
        if self._last is not None:
            self._write(self._page(step, done=True), [self._last] * (FPS // 2))

    def finish(self, sentence: str = "", *, success: bool = False) -> None:
        """Complete the file with a last frame that shows the result.

        Raises:
            UserError: the file could not be written.
        """
        if sentence and self._last is not None:
            sheet = Sheet(*SIZE)
            sheet.paste(_fit(self._last), 20, 20)
            sheet.box(920, 20, 340, 660, CARD, LINE)
            sheet.text(944, 60, "✓" if success else "✗", 72, GOOD if success else BAD)
            y = 170
            for line in wrap(sentence, 292, 24, bold=True):
                sheet.text(944, y, line, 24, INK, bold=True)
                y += 34
            self._footer(sheet)
            self._send([sheet.picture()] * (2 * FPS))
        self.abandon()
        if not self._path.is_file() or not self._path.stat().st_size:
            raise UserError(f"the video {self._path.name} could not be written; is the disk full?")

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.abandon()

    def abandon(self) -> None:
        """Stop the thread and the encoder without completing the file."""
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

    def _page(self, step: Step, *, done: bool) -> Picture:
        """Lay out everything but the scene itself."""
        sheet, decision = Sheet(*SIZE), step.decision
        sheet.box(19, 19, 882, 662, None, LINE)
        x, y = 930, 20
        sheet.text(x, y, f"Decision {step.index + 1}", 17, MUTED)
        y += 26
        for line in wrap(headline(step), _PANEL, 21, bold=True)[:2]:
            sheet.text(x, y, line, 21, INK, bold=True)
            y += 28
        y = 96
        crop = panels.crop_of(step, _PANEL)
        sheet.paste(panels.color_panel(step, crop, self._geometry), x, y)
        sheet.box(x - 1, y - 1, _PANEL + 2, _PANEL + 2, None, LINE)
        y += _PANEL + 16
        for line in wrap(f"Target: {target_words(decision)}", _PANEL, 15)[:3]:
            sheet.text(x, y, line, 15)
            y += 20
        scale = panels.q_range(decision)
        for name, value in (("Q grasp", decision.q_grasp), ("Q push", decision.q_push)):
            y += 8
            sheet.text(x, y, name, 16, MUTED)
            sheet.text(x + _PANEL, y, q_words(value), 16, INK, bold=True, anchor="ra")
            sheet.box(x + 80, y + 6, 180, 9, LINE, None)
            if np.isfinite(value):
                share = np.clip((value - scale[0]) / max(scale[1] - scale[0], 1e-9), 0, 1)
                sheet.box(x + 80, y + 6, max(6, int(share * 180)), 9, (58, 82, 139), None)
            y += 22
        y += 14
        if done:
            good = went_well(step)
            text = f"{'✓' if good else '✗'} {outcome_words(step)}"
            sheet.fitted(x, y + 12, text, _PANEL, 22, GOOD if good else BAD, bold=True)
        sheet.box(x, 652, 20, 20, self._goal_rgb, RIM)
        sheet.text(x + 30, 662, "goal", 16, MUTED, anchor="lm")
        sheet.box(x + 92, 652, 20, 20, None, GOAL)
        sheet.text(x + 122, 662, "where it is seen", 16, MUTED, anchor="lm")
        self._footer(sheet)
        return sheet.picture()

    def _footer(self, sheet: Sheet) -> None:
        sheet.text(20, 702, self._title, 15, MUTED, anchor="lm")


def _encoder(path: Path) -> Generator[None, npt.NDArray[np.uint8], None]:
    """Encode the frames that are sent to it; closing it completes the file."""
    encoder = imageio_ffmpeg.write_frames(
        str(path), SIZE, fps=FPS, codec="libx264", macro_block_size=2, pix_fmt_out="yuv420p",
        ffmpeg_log_level="quiet",  # interrupted, it would complain about the removed folder
        output_params=["-preset", "veryfast", "-crf", "24", "-movflags", "+faststart"],
    )  # fmt: skip
    encoder.send(None)
    return encoder


def _fit(scene: Picture) -> Picture:
    return cv2.resize(scene, _SCENE, interpolation=cv2.INTER_CUBIC).astype(np.uint8)
