"""The film of an episode: a title, the moving robot with captions, and the goal in the hand."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import imageio_ffmpeg
import numpy as np
import numpy.typing as npt

from ..errors import UserError
from .draw import film
from .draw.actions import ActionGeometry
from .draw.film import SIZE, Layer
from .draw.sheet import Color, Picture
from .draw.words import caption, outcome_caption, went_well

if TYPE_CHECKING:
    from ..interfaces import RGBDFrame
    from ..retrieve import Step

FPS = 20
_TITLE, _READ, _OUTCOME, _ENDING = 2.4, 1.2, 0.6, 2.5  # s for which each is shown
_CLOSER = 1.4  # s of moving up to the hand


class Moment(Protocol):
    """A state of the world that can be drawn, on another thread than the one that kept it."""

    @property
    def presents(self) -> bool:
        """True while the hand shows to the camera what it holds."""
        ...

    def __call__(self, closer: float = 0.0) -> Picture:
        """Draw it, (720, 1280, 3) sRGB; `closer` is 1 for the hand close up."""
        ...


@dataclass(frozen=True)
class FilmTitle:
    """What a film says before it begins."""

    goal: str  # "red block"
    goal_rgb: Color  # sRGB
    lines: tuple[str, ...]  # sentences on the scene
    small: str  # scene, robot, policy


class VideoWriter:
    """Writes an MP4 file (H.264) from states of the world that are drawn later.

    A state is cheap to keep and slow to draw, and the decision that explains it is known only
    when its step is over: states are queued by `moment` while the robot moves, drawn on a second
    thread, and laid out and encoded by `add`.

    Args:
        path: the file to write, inside a folder that exists.
        title: what is said first.
        geometry: what actions are drawn with; None: the standard jaw and primitives.
    """

    def __init__(
        self, path: str | Path, title: FilmTitle, geometry: ActionGeometry | None = None
    ) -> None:
        self._path, self._title = Path(path), title
        self._geometry = geometry or ActionGeometry()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="video")
        self._moments: list[tuple[Moment, Future[Picture]]] = []
        self._last: Picture | None = None
        self._presented: Moment | None = None  # the last one that the film shows of the goal
        self._goal = film.goal_layer(title.goal, title.goal_rgb)
        self.n_frames = 0
        self._encoder: Generator[None, npt.NDArray[np.uint8], None] | None = None

    def moment(self, draw: Moment) -> None:
        """Keep a state; it is drawn soon, on a second thread, never two at a time."""
        self._moments.append((draw, self._pool.submit(draw)))

    def add(
        self, step: Step, frame: RGBDFrame | None = None, *, lifted: bool | None = None
    ) -> None:
        """Write the motion since the last step, with this step's decision.

        Args:
            step: what was seen, decided and done.
            frame: the robot's view is turned as this camera looks; None: the standard camera.
            lifted: not shown.
        """
        moments, self._moments = self._moments, []
        if step.outcome.holds_goal:
            moments = self._until_shown(moments)
        if self._last is None and moments:
            self._open(moments[0][1].result())
        inset = film.inset_layer(step, self._geometry, frame)
        doing = (inset, self._goal, film.caption_layer(caption(step, self._title.goal)))
        if self._last is not None:
            self._hold(self._last, doing, _READ)
        for _, picture in moments:
            self._last = picture.result()
            self._send(film.lay(self._last, doing))
        if self._last is not None:
            done = film.outcome_layer(outcome_caption(step), good=went_well(step))
            self._hold(self._last, (inset, self._goal, done), _OUTCOME)

    def finish(self, sentence: str = "", *, success: bool = False) -> None:
        """Complete the file with the result; a success ends on the goal in the hand.

        Raises:
            UserError: the file could not be written.
        """
        if sentence and self._last is not None:
            layers = (self._goal, film.ending_layer(sentence, success=success))
            if success and self._presented is not None:
                for share in np.linspace(0, 1, round(_CLOSER * FPS)):
                    closer = float(share * share * (3 - 2 * share))
                    self._last = self._pool.submit(self._presented, closer).result()
                    self._send(film.lay(self._last, layers))
            self._hold(self._last, layers, _ENDING)
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

    def _until_shown(
        self, moments: list[tuple[Moment, Future[Picture]]]
    ) -> list[tuple[Moment, Future[Picture]]]:
        """Cut the way to the bin: the film ends where the hand shows the goal."""
        last = max((i for i, (m, _) in enumerate(moments) if m.presents), default=None)
        if last is None:
            return moments
        self._presented = moments[last][0]
        for _, picture in moments[last + 1 :]:
            picture.cancel()
        return moments[: last + 1]

    def _open(self, picture: Picture) -> None:
        """Show the title over the first picture, and fade it out."""
        t = self._title
        title = film.title_layer(t.goal, t.goal_rgb, t.lines, t.small)
        self._hold(picture, (title,), _TITLE)
        for share in np.linspace(1, 0, FPS // 2, endpoint=False):
            self._send(film.lay(picture, (title,), float(share)))
        self._last = picture

    def _hold(self, picture: Picture, layers: Sequence[Layer], seconds: float) -> None:
        still = film.lay(picture, layers)
        for _ in range(round(seconds * FPS)):
            self._send(still)

    def _send(self, picture: Picture) -> None:
        if self._encoder is None:
            self._encoder = _encoder(self._path)
        try:
            self._encoder.send(np.ascontiguousarray(picture))
        except (OSError, StopIteration) as error:
            raise UserError(f"cannot write the video {self._path.name}: {error}") from error
        self.n_frames += 1


def _encoder(path: Path) -> Generator[None, npt.NDArray[np.uint8], None]:
    """Encode the frames that are sent to it; closing it completes the file."""
    encoder = imageio_ffmpeg.write_frames(
        str(path), SIZE, fps=FPS, codec="libx264", macro_block_size=2, pix_fmt_out="yuv420p",
        ffmpeg_log_level="quiet",  # interrupted, it would complain about the removed folder
        output_params=["-preset", "veryfast", "-crf", "23", "-movflags", "+faststart"],
    )  # fmt: skip
    encoder.send(None)
    return encoder
