"""Make the README's film and decision picture from a demo.

    python bench/readme_film.py                        runs `pushgrasp demo` first
    python bench/readme_film.py --demo pushgrasp-demo  takes an earlier one

The film is an animated WebP, docs/images/demo.webp: smaller and faster than the demo's video;
docs/images/film.webp shows six of its frames. The picture is that of the first push,
docs/images/decision.png. For the arm in its maker's look
install the extra "looks" first.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from PIL import Image

from pushgrasp.utils.files import write_atomic
from pushgrasp.view.draw.film import SIZE
from pushgrasp.view.episode import PICTURES, RECORD, VIDEO

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
LIMIT = 3_000_000  # bytes of the film
WIDTH = 800  # pixels
FPS = 15
EVERY = 2  # frames of the video, of 20 a second: half as fast again
SHOWN = (0.0, 0.155, 0.25, 0.4, 0.76, 1.0)  # of the film's length
QUALITIES = (70, 60, 50, 40, 30, 20)


def frames(video: Path) -> list[Image.Image]:
    """Read every second frame of a video, made smaller."""
    size = WIDTH, WIDTH * SIZE[1] // SIZE[0] // 2 * 2
    reader = imageio_ffmpeg.read_frames(str(video))
    next(reader)  # what the file says of itself
    pictures: list[Image.Image] = []
    for i, data in enumerate(reader):
        if i % EVERY == 0:
            pixels = np.frombuffer(data, np.uint8).reshape(SIZE[1], SIZE[0], 3)
            pictures.append(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
    return pictures


def webp(pictures: list[Image.Image], quality: int) -> bytes:
    """Encode an endless animation that rests on its last picture for two seconds."""
    buffer = io.BytesIO()
    shown = [1000 // FPS] * (len(pictures) - 1) + [2000]  # ms
    pictures[0].save(
        buffer, "WEBP", save_all=True, append_images=pictures[1:], duration=shown, loop=0,
        quality=quality, method=4, minimize_size=False,
    )  # fmt: skip
    return buffer.getvalue()


def sheet(pictures: list[Image.Image]) -> bytes:
    """Put six frames side by side, three in a row."""
    width, height = pictures[0].size
    chosen = [pictures[round(share * (len(pictures) - 1))] for share in SHOWN]
    page = Image.new("RGB", (3 * width, 2 * height))
    for i, picture in enumerate(chosen):
        page.paste(picture, (i % 3 * width, i // 3 * height))
    buffer = io.BytesIO()
    page.resize((3 * width * 2 // 3, 2 * height * 2 // 3)).save(buffer, "WEBP", quality=80)
    return buffer.getvalue()


def main() -> int:
    parser = argparse.ArgumentParser(description="README's film and picture")
    parser.add_argument("--demo", type=Path, help="folder of an earlier demo")
    parser.add_argument("--out", type=Path, default=IMAGES, help="folder for the two files")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        demo = args.demo or Path(temporary) / "demo"
        if args.demo is None:
            command = [sys.executable, "-m", "pushgrasp", "demo", "--out", str(demo)]
            subprocess.run(command, check=True)
        pictures = frames(demo / VIDEO)
        for quality in QUALITIES:
            film = webp(pictures, quality)
            print(f"{len(pictures)} frames at quality {quality}: {len(film) / 1e6:.2f} MB")
            if len(film) < LIMIT:
                break
        else:
            print("the film is too long", file=sys.stderr)
            return 1
        steps = json.loads((demo / RECORD).read_text())["steps"]
        pushes = [i for i, step in enumerate(steps) if step["primitive"] == "push"]
        picture = demo / PICTURES / f"decision-{(pushes or [0])[0] + 1:02d}.png"
        write_atomic(args.out / "demo.webp", film)
        write_atomic(args.out / "film.webp", sheet(pictures))
        write_atomic(args.out / "decision.png", picture.read_bytes())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
