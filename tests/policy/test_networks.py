"""The Q-networks: symmetries, scoring, training input, and ImageNet weights."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_scenes import PILE, Block, draw, shortfall, turned
from safetensors.torch import save_file

from pushgrasp.errors import UserError
from pushgrasp.interfaces import Primitive
from pushgrasp.policy.config import NetworkConfig
from pushgrasp.policy.networks import QNetwork, Scenes, at_pixels, build
from pushgrasp.policy.networks.compact import Compact, FlipConv
from pushgrasp.policy.networks.densenet import DenseNet, Trunk, fetch_imagenet
from pushgrasp.training.recipes import RECIPES, with_network

COMPACT = NetworkConfig(output="value", crop_px=80, crop_resolution=0.003, widths=(16, 16, 16))
# A window that no corner of the workspace reaches, so that a turn changes nothing else.
DENSENET = NetworkConfig("densenet121", output="value", crop_px=96, crop_resolution=0.003)
STEP = 2 * np.pi / 16


def network(config: NetworkConfig, primitive: Primitive = "grasp", seed: int = 0) -> QNetwork:
    torch.manual_seed(seed)
    return build(config, primitive).eval()


@pytest.fixture(scope="module")
def densenet() -> QNetwork:
    return network(DENSENET)


@pytest.mark.parametrize("primitive", ["grasp", "push"])
@pytest.mark.parametrize("steps", [1, 5, 8, 13])
def test_turning_the_scene_turns_the_answer_of_compact(primitive: Primitive, steps: int) -> None:
    net = network(NetworkConfig(output="value"), primitive)
    check_turning(net, steps)


@pytest.mark.parametrize("steps", [1, 11])
def test_turning_the_scene_turns_the_answer_of_densenet(densenet: QNetwork, steps: int) -> None:
    check_turning(densenet, steps)


def check_turning(net: QNetwork, steps: int) -> None:
    still, moved = draw(PILE), draw(PILE, turn=steps * STEP)
    before = net.score(still, still.goal, still.goal)
    after = net.score(moved, moved.goal, moved.goal)
    rotation, *pixel = (int(i) for i in np.unravel_index(before.argmax(), before.shape))
    assert shortfall(after, (rotation + steps) % 16, turned(pixel, steps * STEP)) < 0.05
    # The values too, at all pixels that are on the goal before and after.
    pixels = np.argwhere(still.goal)
    there = np.rint(turned(pixels, steps * STEP)).astype(int)
    for r in range(0, 16, 5):
        old = before[r, pixels[:, 0], pixels[:, 1]]
        new = after[(r + steps) % 16, there[:, 0], there[:, 1]]
        both = np.isfinite(new)
        assert np.corrcoef(old[both], new[both])[0, 1] > 0.95


@pytest.mark.parametrize(("primitive", "axes"), [("grasp", (1, 2)), ("push", (1,))])
@pytest.mark.parametrize("training", [False, True])
def test_compact_commutes_with_mirroring(
    primitive: Primitive, axes: tuple[int, ...], training: bool
) -> None:
    net = network(COMPACT, primitive).train(training)
    x = torch.rand(3, 5, 80, 80)
    q = net(x)
    for axis in axes:
        mirrored = net(x.flip(axis + 1)).flip(axis)
        torch.testing.assert_close(mirrored, q, atol=1e-4, rtol=1e-4)
    if primitive == "push":
        assert (net(x.flip(3)).flip(2) - q).abs().max() > 0.01  # a push has a direction


def test_the_folded_normalisation_is_the_normalisation() -> None:
    torch.manual_seed(0)
    conv = FlipConv(3, 4, 3, 4)
    x = torch.randn(2, 12, 9, 9)
    for _ in range(5):
        conv(2 * x + 1)
    conv.eval()
    plain = torch.nn.functional.conv2d(x, conv.weight(), padding=1)
    grouped = plain.unflatten(1, (4, 4)).permute(0, 1, 3, 4, 2).reshape(-1, 4)
    expected = conv.norm(grouped).reshape(2, 4, 9, 9, 4).permute(0, 1, 4, 2, 3).flatten(1, 2)
    torch.testing.assert_close(conv(x), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("primitive", ["grasp", "push"])
def test_compact_is_small(primitive: Primitive) -> None:
    net = build(NetworkConfig(), primitive)
    assert sum(p.numel() for p in net.parameters()) < 1_000_000


@pytest.mark.parametrize("primitive", ["grasp", "push"])
def test_training_input_gives_what_score_gives(primitive: Primitive) -> None:
    check_encoding(network(COMPACT, primitive))


def test_training_input_gives_what_score_gives_for_densenet(densenet: QNetwork) -> None:
    check_encoding(densenet)


def check_encoding(net: QNetwork) -> None:
    seen = draw(PILE, unseen=True)
    pixels = np.argwhere(seen.goal)[[5, 300, 700]]
    rotations = [2, 7, 13]
    allowed = np.zeros_like(seen.goal)
    allowed[pixels[:, 0], pixels[:, 1]] = True
    q = net.score(seen, seen.goal, allowed)[rotations, pixels[:, 0], pixels[:, 1]]
    one = Scenes.of(seen, seen.goal)
    assert one.color is not None
    scenes = Scenes(
        height=one.height.repeat(3, 0),
        labels=one.labels.repeat(3, 0).astype(np.uint8),
        target=one.target.repeat(3, 0),
        color=one.color.repeat(3, 0),
        workspace=one.workspace,
    )
    x, place = net.encode(scenes, pixels, rotations)
    with torch.no_grad(), net.autocast():
        read = at_pixels(net(x), place)[:, 0].numpy()
    np.testing.assert_allclose(read, q, rtol=0.03, atol=0.03 * np.abs(q).max())


def test_moved_and_mirrored_windows_show_the_same_pixel() -> None:
    net, seen = network(COMPACT), draw(PILE)
    scene = Scenes.of(seen, seen.goal)
    pixel = np.argwhere(seen.goal)[300]
    for shifts, flips in (
        ([[6.0, -4.0]], None),
        (None, [[True, False]]),
        ([[3, 3]], [[True, True]]),
    ):
        x, place = net.encode(scene, pixel[None], [3], shifts=shifts, flips=flips)
        height = at_pixels(x[:, 0], place).item()
        assert height == pytest.approx(seen.heightmap.height[tuple(pixel)] / 0.1, abs=0.02)


def test_only_allowed_pixels_in_the_window_get_a_value() -> None:
    net = network(COMPACT, "push")
    seen = draw((*PILE, Block(0.2, 0.2)))
    q = net.score(seen, seen.goal, seen.objects, rotations=[0, 9])
    assert q.shape == (16, 224, 224)
    assert q.dtype == np.float32
    scored = np.isfinite(q)
    assert not scored[:, ~seen.objects].any()
    assert sorted(np.flatnonzero(scored.any(axis=(1, 2)))) == [0, 9]
    assert scored[[0, 9]][:, seen.goal].all()
    assert not scored[:, seen.labels == 6].any()  # 28 cm away
    nothing = net.score(seen, seen.goal, np.zeros_like(seen.goal))
    assert np.isneginf(nothing).all()


def test_a_jaw_is_worth_the_same_after_half_a_turn() -> None:
    seen = draw(PILE)
    q = network(COMPACT).score(seen, seen.goal, seen.goal)
    np.testing.assert_array_equal(q[:8], q[8:])
    both = network(COMPACT).score(seen, seen.goal, seen.goal, rotations=[3, 11])
    np.testing.assert_allclose(both[[3, 11]], q[[3, 11]], rtol=0.02)
    assert np.isfinite(both).any(axis=(1, 2)).sum() == 2


def test_scores_are_probabilities_if_the_config_says_so() -> None:
    seen = draw(PILE)
    value = network(COMPACT).score(seen, seen.goal, seen.goal)
    chance = network(dataclasses.replace(COMPACT, output="probability")).score(
        seen, seen.goal, seen.goal
    )
    on = np.isfinite(value)
    np.testing.assert_allclose(chance[on], 1 / (1 + np.exp(-value[on])), rtol=1e-4)


def test_scoring_changes_nothing_and_repeats_itself() -> None:
    net, seen = network(COMPACT).train(), draw(PILE)
    before = {key: value.clone() for key, value in net.state_dict().items()}
    first = net.score(seen, seen.goal, seen.goal)
    np.testing.assert_array_equal(net.score(seen, seen.goal, seen.goal), first)
    assert net.training
    for key, value in net.state_dict().items():
        torch.testing.assert_close(value, before[key], msg=key)


def test_an_empty_target_is_seen_from_the_middle() -> None:
    net, seen = network(COMPACT, "push"), draw(PILE)
    q = net.score(seen, np.zeros_like(seen.goal), seen.objects)
    assert np.isfinite(q).any()


def test_compact_planes_keep_unseen_apart_and_part_touching_blocks() -> None:
    net = network(COMPACT)
    assert isinstance(net, Compact)
    seen = draw((Block(-0.025, 0), Block(0.025, 0)), unseen=True)
    height, known, target, objects, boundary = net.planes(Scenes.of(seen, seen.goal))[0].numpy()
    hidden = ~seen.heightmap.seen
    assert not known[hidden].any()
    assert known[~hidden].all()
    assert not height[hidden].any()
    assert height.max() == pytest.approx(0.5)
    np.testing.assert_array_equal(target > 0, seen.goal)
    np.testing.assert_array_equal(objects > 0, seen.labels > 0)
    assert boundary[112, 110:114].tolist() == [0, 1, 1, 0]  # where they touch
    assert not boundary[112, 90:110].any()


def test_compact_learns_the_pixels_it_is_shown() -> None:
    """A few steps tell a grasp across a block from a grasp along it."""
    small = dataclasses.replace(COMPACT, output="probability", crop_px=40, crop_resolution=0.004)
    net = network(small).train()
    rng = np.random.default_rng(0)
    looks = [draw((Block(0, 0, 0.1, 0.03, 0.05, k * STEP),)) for k in range(16)]
    parts = [Scenes.of(look, look.goal) for look in looks]
    scenes = Scenes(
        height=np.concatenate([p.height for p in parts]),
        labels=np.concatenate([p.labels for p in parts]),
        target=np.concatenate([p.target for p in parts]),
        color=None,
        workspace=parts[0].workspace,
    )
    across = rng.random(16) < 0.5
    rotations = (np.arange(16) + np.where(across, 4, 0)) % 16
    x, place = net.encode(scenes, np.full((16, 2), 112), rotations)
    wanted = torch.from_numpy(across).float()
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    for _ in range(40):
        with net.autocast():
            logits = at_pixels(net(x), place)[:, 0]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    q = net.score(looks[0], looks[0].goal, looks[0].goal)
    assert loss.item() < 0.3
    assert q[4, 112, 112] > q[0, 112, 112]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"crop_px": 81}, "crop_px 81 does not suit compact; .* multiple of 8"),
        ({"crop_px": 0}, "crop_px 0"),
        ({"crop_resolution": 0.0}, "crop_resolution 0.0 must be above 0"),
        ({"widths": (32, 30, 32)}, "widths"),
        ({"name": "resnet"}, "no network 'resnet'; there are: compact, densenet121"),
        ({"name": "densenet121"}, "multiple of 32"),
    ],
)
def test_impossible_configs_are_refused(change: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        build(dataclasses.replace(COMPACT, **change), "grasp")


def test_trunk_has_torchvisions_names_and_size() -> None:
    weights = Trunk().state_dict()
    assert sum(p.numel() for p in Trunk().parameters()) == 6_953_856
    for key, shape in {
        "features.conv0.weight": (64, 3, 7, 7),
        "features.norm0.running_var": (64,),
        "features.denseblock1.denselayer1.norm1.weight": (64,),
        "features.denseblock1.denselayer1.conv1.weight": (128, 64, 1, 1),
        "features.denseblock2.denselayer12.conv2.weight": (32, 128, 3, 3),
        "features.transition3.norm.bias": (1024,),
        "features.transition3.conv.weight": (512, 1024, 1, 1),
        "features.denseblock4.denselayer16.norm2.running_mean": (128,),
        "features.norm5.weight": (1024,),
    }.items():
        assert weights[key].shape == shape


def test_the_papers_window_holds_the_whole_workspace_at_any_rotation() -> None:
    config = with_network(RECIPES["paper"], "densenet121").network
    assert config.crop_px * config.crop_resolution > 0.448 * 2**0.5
    assert config.crop_resolution == 0.002 / 2


def test_densenet_planes_are_normalised_and_0_where_unseen(densenet: QNetwork) -> None:
    seen = draw(PILE, unseen=True)
    x = densenet.planes(Scenes.of(seen, seen.goal))[0].numpy()
    assert not x[:, ~seen.heightmap.seen].any()
    top = np.argwhere(seen.labels == 2)[0]
    color = seen.heightmap.color[tuple(top)] / 255
    expected = [*(color - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225], (0.05 - 0.01) / 0.03]
    np.testing.assert_allclose(x[:, top[0], top[1]], expected, rtol=1e-4)


def imagenet_like() -> dict[str, torch.Tensor]:
    torch.manual_seed(5)
    weights = {
        key: torch.rand_like(value)
        for key, value in Trunk().state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    return {**weights, "classifier.weight": torch.rand(10, 1024), "classifier.bias": torch.rand(10)}


@pytest.mark.parametrize("kind", ["safetensors", "pth", "old names"])
def test_imagenet_weights_fill_both_trunks(kind: str, tmp_path: Path, densenet: QNetwork) -> None:
    weights = imagenet_like()
    path = tmp_path / "net.safetensors"
    if kind == "old names":
        for part in ("norm", "conv"):
            for i in "12":
                weights = {
                    k.replace(f".{part}{i}.", f".{part}.{i}."): v for k, v in weights.items()
                }
        assert "features.denseblock1.denselayer1.norm.1.weight" in weights
    if kind == "pth":
        path = tmp_path / "net.pth"
        torch.save(weights, path)
    else:
        save_file(weights, path)
    net = DenseNet(DENSENET, "grasp")
    net.load_imagenet(path)
    loaded = net.state_dict()
    for key, value in imagenet_like().items():
        if not key.startswith("classifier"):
            assert torch.equal(loaded[f"color.{key}"], value)
            assert torch.equal(loaded[f"height.{key}"], value)


def test_wrong_imagenet_files_are_refused(tmp_path: Path, densenet: QNetwork) -> None:
    assert isinstance(densenet, DenseNet)
    path = tmp_path / "net.safetensors"
    with pytest.raises(UserError, match=r"cannot read .*net\.safetensors"):
        densenet.load_imagenet(path)
    path.write_bytes(b"nonsense")
    with pytest.raises(UserError, match="damaged"):
        densenet.load_imagenet(path)
    weights = imagenet_like()
    first = weights.pop("features.conv0.weight")
    save_file(weights, path)
    with pytest.raises(UserError, match=r"lacks features\.conv0\.weight"):
        densenet.load_imagenet(path)
    save_file({**weights, "features.conv0.weight": first[:32].clone()}, path)
    with pytest.raises(UserError, match=r"misshapen features\.conv0\.weight"):
        densenet.load_imagenet(path)
    save_file({**weights, "features.conv0.weight": first, "layer9.bias": first[0].clone()}, path)
    with pytest.raises(UserError, match=r"also has layer9\.bias"):
        densenet.load_imagenet(path)
    torch.save({"run": print}, tmp_path / "net.pth")
    with pytest.raises(UserError, match="not read"):
        densenet.load_imagenet(tmp_path / "net.pth")
    torch.save([1, 2], tmp_path / "net.pth")
    with pytest.raises(UserError, match="no state dict"):
        densenet.load_imagenet(tmp_path / "net.pth")


def test_without_a_network_the_user_is_told_to_give_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*_: object, **__: object) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    with pytest.raises(UserError, match=r"Name or service not known.*name a file"):
        fetch_imagenet(tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())
    (tmp_path / "densenet121-a639ec97.pth").write_bytes(b"there already")
    assert fetch_imagenet(tmp_path).name == "densenet121-a639ec97.pth"


def test_kept_weights_follow_the_parameters() -> None:
    """What is folded for evaluation is made anew when training or loading changes it."""
    torch.manual_seed(0)
    layer = FlipConv(3, 4, 3, 2).eval()
    x = torch.randn(1, 6, 12, 12)
    with torch.no_grad():
        before = layer(x)
        assert torch.equal(layer(x), before)
        layer.kernel.mul_(2.0)
        torch.testing.assert_close(layer(x), 2 * before)
        layer.load_state_dict({k: torch.zeros_like(v) for k, v in layer.state_dict().items()})
        assert not layer(x).any()
    assert layer(x).requires_grad
