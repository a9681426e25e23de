"""The paper's Q-network: two DenseNet-121 trunks, colour and height, and a small head.

Module names are torchvision's, so that its ImageNet weights fit both trunks.
Source: paper, section III-B; Huang et al. 2017.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from ...errors import UserError
from ...interfaces import Primitive
from ..config import NetworkConfig
from .base import QNetwork, Scenes

COLOR_MEAN, COLOR_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet
HEIGHT_MEAN, HEIGHT_STD = 0.01, 0.03  # m (ancestors' code)
IMAGENET_URL = "https://download.pytorch.org/models/densenet121-a639ec97.pth"
GROWTH, BLOCKS, FEATURES = 32, (6, 12, 24, 16), 1024

_OLD_KEY = re.compile(
    r"^(.*denselayer\d+\.(?:norm|relu|conv))\."
    r"([12]\.(?:weight|bias|running_mean|running_var|num_batches_tracked))$"
)


class DenseLayer(nn.Module):
    """Computes 32 new features from all earlier ones of the block."""

    def __init__(self, n_in: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(n_in)
        self.conv1 = nn.Conv2d(n_in, 4 * GROWTH, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * GROWTH)
        self.conv2 = nn.Conv2d(4 * GROWTH, GROWTH, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(functional.relu(self.norm1(x)))
        return self.conv2(functional.relu(self.norm2(x)))


class DenseBlock(nn.Module):
    """Layers that each get the outputs of all earlier ones."""

    def __init__(self, n_layers: int, n_in: int) -> None:
        super().__init__()
        for i in range(n_layers):
            self.add_module(f"denselayer{i + 1}", DenseLayer(n_in + i * GROWTH))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.children():
            x = torch.cat([x, layer(x)], dim=1)
        return x


class TransitionLayer(nn.Module):
    """Halves the number of features and the resolution."""

    def __init__(self, n_in: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(n_in)
        self.conv = nn.Conv2d(n_in, n_in // 2, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return functional.avg_pool2d(self.conv(functional.relu(self.norm(x))), 2)


class Trunk(nn.Module):
    """DenseNet-121 without its classifier: (B, 3, h, w) to (B, 1024, h / 32, w / 32)."""

    def __init__(self) -> None:
        super().__init__()
        parts: OrderedDict[str, nn.Module] = OrderedDict(
            conv0=nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),
            norm0=nn.BatchNorm2d(64),
            relu0=nn.ReLU(),
            pool0=nn.MaxPool2d(3, stride=2, padding=1),
        )
        width = 64
        for i, n_layers in enumerate(BLOCKS, start=1):
            parts[f"denseblock{i}"] = DenseBlock(n_layers, width)
            width += n_layers * GROWTH
            if i < len(BLOCKS):
                parts[f"transition{i}"] = TransitionLayer(width)
                width //= 2
        parts["norm5"] = nn.BatchNorm2d(width)
        self.features = nn.Sequential(parts)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.features(x)


class DenseNet(QNetwork):
    """See the module docstring. Input planes: colour (3) and height, normalised.

    What is not seen, or lies outside the workspace, is 0 after normalisation: the mean
    colour, and a height of 0.01 m. Zooming twice is a `crop_resolution` of half the
    workspace's; 640 such pixels hold the whole workspace at any rotation (authors' code).
    """

    stride = 32
    chunk = 4
    for_gpu = True

    def __init__(self, config: NetworkConfig, primitive: Primitive) -> None:
        super().__init__(config, primitive)
        self.color, self.height = Trunk(), Trunk()
        self.head = nn.Sequential(
            OrderedDict(
                norm0=nn.BatchNorm2d(2 * FEATURES),
                relu0=nn.ReLU(),
                conv0=nn.Conv2d(2 * FEATURES, 64, 1, bias=False),
                norm1=nn.BatchNorm2d(64),
                relu1=nn.ReLU(),
                conv1=nn.Conv2d(64, 1, 1, bias=False),
            )
        )

    def planes(self, scenes: Scenes) -> Tensor:
        """Make (B, 4, H, W): red, green, blue, height; 0 where unseen."""
        if scenes.color is None:
            raise ValueError("densenet121 needs colours; the scenes have none")
        height = torch.as_tensor(scenes.height, device=self.device).float()[:, None]
        color = torch.as_tensor(scenes.color, device=self.device).permute(0, 3, 1, 2).float()
        mean, std = (
            torch.tensor(v, device=self.device)[:, None, None] for v in (COLOR_MEAN, COLOR_STD)
        )
        x = torch.cat([(color / 255 - mean) / std, (height - HEIGHT_MEAN) / HEIGHT_STD], dim=1)
        return torch.where(height.isnan(), 0.0, x)

    def forward(self, x: Tensor) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        height = x[:, 3:].expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        features = torch.cat([self.color(x[:, :3]), self.height(height)], dim=1)
        with torch.autocast(x.device.type, enabled=False):  # so that close values stay apart
            q = self.head(features.float())
            size = x.shape[2:]
            return functional.interpolate(q, size=size, mode="bilinear", align_corners=False)[:, 0]

    def load_imagenet(self, path: str | Path) -> None:
        """Initialise both trunks with torchvision's DenseNet-121.

        Args:
            path: its state dict as .safetensors, or as .pth (read without unpickling code).
        Raises:
            UserError: the file cannot be read, or is another network's.
        """
        weights = _read_weights(Path(path))
        own = self.color.state_dict()
        given = {_OLD_KEY.sub(r"\1\2", key): value for key, value in weights.items()}
        given = {k: v for k, v in given.items() if not k.startswith("classifier.")}
        counters = {k for k in own if k.endswith("num_batches_tracked")}  # absent in old files
        missing = own.keys() - given.keys() - counters
        foreign = given.keys() - own.keys()
        wrong = [k for k in given.keys() & own.keys() if given[k].shape != own[k].shape]
        for what, keys in (("lacks", missing), ("also has", foreign), ("has misshapen", wrong)):
            if keys:
                raise UserError(
                    f"{path} is not torchvision's DenseNet-121: it {what} "
                    f"{', '.join(sorted(keys)[:3])}{' ...' if len(keys) > 3 else ''}"
                )
        for trunk in (self.color, self.height):
            trunk.load_state_dict({**own, **given})


def fetch_imagenet(folder: str | Path) -> Path:
    """Download torchvision's DenseNet-121 weights (31 MB) unless they are there.

    Raises:
        UserError: they cannot be had; the message says why and what to do.
    """
    path = Path(folder) / IMAGENET_URL.rsplit("/", 1)[1]
    if not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(IMAGENET_URL, str(path), "a639ec97", progress=False)
        except (OSError, RuntimeError) as error:  # no network, or not the file expected
            raise UserError(
                f"cannot fetch {IMAGENET_URL} ({error}); name a file with these weights instead"
            ) from error
    return path


def _read_weights(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            weights = load_file(path)
        else:
            weights = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except (SafetensorError, RuntimeError, ValueError, EOFError, KeyError) as error:
        raise UserError(f"{path} is damaged or no weights file") from error
    except Exception as error:  # what weights_only refuses has a type of the pickle module
        raise UserError(f"{path} holds more than weights, and is not read") from error
    if not isinstance(weights, dict) or not all(isinstance(v, Tensor) for v in weights.values()):
        raise UserError(f"{path} is no state dict: names and tensors")
    return dict(weights)
