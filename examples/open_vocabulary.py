"""A segmenter that understands words; see docs/perception.md.

CLIPSeg marks what a sentence describes; its model folder is yours, nothing is downloaded. Shapes
come from depth: each object is taken as a whole, or not at all.

pip install "pushgrasp[words]"
PUSHGRASP_CLIPSEG=models/clipseg-rd64-refined pushgrasp retrieve --scene novel-04 --goal 0 \\
    --segmenter examples/open_vocabulary.py:ClipSeg --goal-name "a red mug"
"""

import os
from pathlib import Path

import cv2
import numpy as np

from pushgrasp import Goal, RGBDFrame, Segments
from pushgrasp.errors import UserError
from pushgrasp.perception.segmenters import DepthSegmenter

PROBABILITY = 0.4  # of a pixel, above which the sentence describes it


class ClipSeg:
    """Objects by depth, the goal by words.

    Args:
        folder: as `CLIPSegForImageSegmentation.save_pretrained` and its processor write it; None:
            what the environment variable PUSHGRASP_CLIPSEG names.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        folder = folder or os.environ.get("PUSHGRASP_CLIPSEG", "")
        if not Path(folder, "config.json").is_file():
            raise UserError(
                f"{str(folder)!r} holds no model; set PUSHGRASP_CLIPSEG to a folder of CLIPSeg"
            )
        try:
            from transformers import CLIPSegForImageSegmentation, CLIPSegProcessor
        except ImportError as error:
            raise UserError('pip install "pushgrasp[words]" for CLIPSeg') from error
        self.processor = CLIPSegProcessor.from_pretrained(folder, local_files_only=True)
        model = CLIPSegForImageSegmentation.from_pretrained(folder, local_files_only=True)
        self.model = model.eval()
        self.objects = DepthSegmenter()

    def segment(self, frame: RGBDFrame, goal: Goal) -> Segments:
        """Label objects by depth; the goal is what the sentence describes best."""
        described = self.probability(frame.color, goal.name or goal.describe()) > PROBABILITY
        labels = self.objects.segment(frame, goal).labels
        n = int(labels.max()) + 1
        size = np.maximum(np.bincount(labels.reshape(-1), minlength=n), 1)
        share = np.bincount(labels.reshape(-1), described.reshape(-1), n) / size
        share[0] = 0
        best = int(share.argmax())
        if share[best] > 0.5:
            return Segments(labels, labels == best)
        return Segments(labels, described & (labels == 0))  # in the hand nothing has a label

    def probability(self, color: np.ndarray, words: str) -> np.ndarray:
        """(H, W) probability that a pixel of an (H, W, 3) picture shows what words describe."""
        import torch

        inputs = self.processor(text=[words], images=[color], padding=True, return_tensors="pt")
        with torch.inference_mode():
            logits = self.model(**inputs).logits.reshape(1, 1, *self.model_size(inputs))[0, 0]
        small = torch.sigmoid(logits).numpy()
        return cv2.resize(small, color.shape[1::-1], interpolation=cv2.INTER_LINEAR)

    @staticmethod
    def model_size(inputs) -> tuple[int, int]:
        """(H, W) of the processed picture, and of the answer."""
        height, width = inputs["pixel_values"].shape[-2:]
        return int(height), int(width)
