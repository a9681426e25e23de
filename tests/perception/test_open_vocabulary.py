"""The example of a segmenter that understands words, with a tiny network made here."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pictures import BLUE, RED, Box, picture

from pushgrasp.errors import UserError
from pushgrasp.perception.goal import Goal
from pushgrasp.perception.perceive import Perception
from pushgrasp.perception.segmenters import DepthSegmenter, load_segmenter
from pushgrasp.workspace import Workspace

EXAMPLE = Path(__file__).parents[2] / "examples/open_vocabulary.py"
TWO = (
    Box((-0.55, 0.06), (0.03, 0.03, 0.03), RED),
    Box((-0.45, -0.08), (0.03, 0.03, 0.03), BLUE),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with the files of a real one and random weights."""
    transformers = pytest.importorskip(
        "transformers", reason="pip install '.[words]' for this test"
    )
    import torch

    path = tmp_path_factory.mktemp("clipseg")
    letters = [*"abcdefghijklmnopqrstuvwxyz"]
    tokens = [*letters, *(c + "</w>" for c in letters), "<|startoftext|>", "<|endoftext|>"]
    (path / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(tokens)}))
    (path / "merges.txt").write_text("#version: 0.2\n")
    layers = {"num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 16}
    text = {"vocab_size": len(tokens), "hidden_size": 16, **layers, "eos_token_id": len(tokens) - 1}
    vision = {"hidden_size": 16, "image_size": 32, "patch_size": 8, **layers}
    config = transformers.CLIPSegConfig(
        text_config=text, vision_config=vision, projection_dim=16, reduce_dim=8,
        extract_layers=[1, 2, 3], decoder_num_attention_heads=2, decoder_intermediate_size=16,
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.CLIPSegForImageSegmentation(config).save_pretrained(path)
    size = {"height": 32, "width": 32}
    images = transformers.ViTImageProcessor(size=size)
    tokenizer = transformers.CLIPTokenizer(str(path / "vocab.json"), str(path / "merges.txt"))
    transformers.CLIPSegProcessor(images, tokenizer).save_pretrained(path)
    return path


def test_a_goal_is_found_by_words(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUSHGRASP_CLIPSEG", str(folder))
    segmenter = load_segmenter(f"{EXAMPLE}:ClipSeg")
    frame, number = picture(*TWO)
    answer = segmenter.probability(frame.color, "a red block")  # type: ignore[attr-defined]
    assert answer.shape == frame.depth.shape
    assert ((answer >= 0) & (answer <= 1)).all()

    def red(color: np.ndarray, words: str) -> np.ndarray:
        assert words == "a red block"
        return (color[..., 0] > 1.5 * color[..., 2]).astype(float)

    monkeypatch.setattr(segmenter, "probability", red)  # what a trained network would answer
    seen = Perception(Goal(name="a red block"), segmenter=segmenter).look(frame)
    assert seen.labels.max() == 2
    assert seen.goal.sum() > 400
    rows, columns = np.nonzero(seen.goal)
    x, y = seen.heightmap.workspace.to_xy(rows.mean(), columns.mean())
    assert (x, y) == pytest.approx((-0.55, 0.06), abs=0.01)
    assert number.max() == 2


def test_words_work_on_any_table() -> None:
    """Without transformers: the network's answer is made here."""
    spec = importlib.util.spec_from_file_location("open_vocabulary", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    segmenter = object.__new__(module.ClipSeg)
    segmenter.objects = DepthSegmenter()
    segmenter.probability = lambda color, words: color[..., 0] > 1.5 * color[..., 2]
    there = Workspace(x_min=0.32, y_min=-0.18, size=0.36, table_z=0.16)
    two = [replace(box, center=(box.center[0] + 1.0, box.center[1])) for box in TWO]
    frame, _ = picture(*two, eye=(0.0, 0.0, 0.5), at=(0.5, 0.0, 0.0), table_z=0.16)
    seen = Perception(Goal(name="a red block"), there, segmenter).look(frame)
    assert seen.labels.max() == 2
    rows, columns = np.nonzero(seen.goal)
    assert there.to_xy(rows.mean(), columns.mean()) == pytest.approx((0.45, 0.06), abs=0.01)


def test_a_folder_without_a_model_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUSHGRASP_CLIPSEG", str(tmp_path))
    with pytest.raises(UserError, match="holds no model"):
        load_segmenter(f"{EXAMPLE}:ClipSeg")


def test_words_alone_say_nothing_to_a_segmenter_of_colours() -> None:
    for name in ("color", "depth"):
        with pytest.raises(UserError, match=r"'a red block'.*understands words"):
            Perception(Goal(name="a red block"), segmenter=name)
