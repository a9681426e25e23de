"""Policies by what a user calls them: a name, a folder, a class in a file or in a package.

Settings of a learned policy's rule may follow its name: "default,max_pushes=3,distrust=1".

`PolicySource.resolve` is the only place that decides what is meant. It loads neither weights nor
code, and does not import PyTorch.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Literal

from ..errors import UserError
from ..interfaces import GripperSpec
from ..primitives import PrimitiveConfig
from ..utils.files import read_json, reason, to_json
from .base import Decides
from .config import CONFIG, MODEL, POLICY_FORMAT, DecisionConfig, NetworkConfig, read_config
from .geometric.planner import VERSION as GEOMETRIC_VERSION
from .geometric.planner import Geometric
from .hub import PREFIX, hub_folder
from .learned_settings import parse_settings, split_settings, with_changes
from .plugin import load_entry_point, load_file
from .random import VERSION as RANDOM_VERSION
from .random import RandomPolicy
from .rule import version_for
from .value.config import VALUE_FORMAT, ValueConfig, read_value_config
from .value.config import VERSION as VALUE_VERSION
from .web import PREFIXES, web_folder

WEIGHTS = Path(__file__).parent / "weights"
"""Learned policies that come with the package, a folder each."""
CHECKOUT = Path(__file__).parents[3]
LARGE_WEIGHTS = CHECKOUT / "weights"
"""Learned policies too large for the package, which only a checkout of the repository has."""
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "paper-no-switching": ("paper", {"switching": False}),
}
"""Policies that use the networks of another: its name, and what differs in the rule."""
BASELINES = {"geometric": GEOMETRIC_VERSION, "random": RANDOM_VERSION}
"""Policies that are programs, not weights, and their versions."""
RUN_POLICY = "policy"
"""Folder of the policy inside the folder of a training run."""
GROUP = "pushgrasp.policies"
"""Entry points by which an installed package offers classes as policies, by name."""


def load_policy(
    source: str | Path, gripper: GripperSpec | None = None, *, device: str = "auto"
) -> Decides:
    """Load a policy, ready to decide.

    Args:
        source: a name (see `policy_sources`), the folder of a policy or of a training run,
            hf://OWNER/NAME on the Hugging Face Hub, the https:// address of a policy's folder, or
            `FILE.py:CLASS`, whose code then runs here (see `plugin`). A learned policy may be
            followed by settings: "default,max_pushes=3,distrust=1".
        gripper: the robot's jaw, for a policy that plans with its geometry; None: an RG2's.
        device: where networks compute: "cpu", "cuda", "cuda:1", or "auto", which is a GPU for
            `densenet121` if there is one, and the CPU for everything else.
    Raises:
        UserError: there is no such policy or device, or the policy cannot be loaded.
    """
    return PolicySource.resolve(source).load(gripper, device=device)


def policy_names() -> list[str]:
    """List the learned policies that come with the package or with a checkout of it."""
    names = _folders().keys()
    return sorted(names | {name for name, (base, _) in VARIANTS.items() if base in names})


def policy_sources() -> list[str]:
    """List all policies that have names: built-in ones, and those of installed packages."""
    return sorted({*policy_names(), *BASELINES, *(point.name for point in _offered())})


@dataclass(frozen=True)
class PolicySource:
    """A policy that was asked for; nothing of it is loaded yet."""

    source: str  # as it was asked for
    kind: Literal["learned", "value", "baseline", "file", "package"]
    name: str  # in tables and file names
    path: Path | None = None  # folder of a learned or value policy, or file of a class
    changes: Mapping[str, Any] = field(default_factory=dict[str, Any])  # to a learned one's numbers
    entry_point: EntryPoint | None = None  # of a class in a package

    @classmethod
    def resolve(cls, source: str | Path) -> PolicySource:
        """Find out which policy is meant.

        A folder takes precedence over a name if its `config.json` is a policy's.

        Args:
            source: as for `load_policy`.
        Raises:
            UserError: there is no such policy; the message lists the names.
        """
        if not isinstance(source, (str, Path)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise UserError(
                f"source is {source!r}; a policy is loaded by its name, its folder or FILE.py:CLASS"
            )
        plain, settings = split_settings(str(source))
        if settings:
            found = cls.resolve(plain)
            if found.kind != "learned":
                raise UserError(f"{source}: {plain} is not a learned policy and has no settings")
            changes = {**found.changes, **parse_settings(settings, plain)}
            name = ",".join((found.name, *settings))
            return replace(found, source=str(source), name=name, changes=changes)
        if plain.startswith(PREFIX):
            return cls(plain, "learned", plain.split("/")[-1], hub_folder(plain))
        if plain.startswith(PREFIXES):
            return cls(plain, "learned", plain.rstrip("/").split("/")[-1], web_folder(plain))
        text, folder = str(source), Path(source).expanduser()
        file, _, class_name = text.rpartition(":")
        if file.endswith(".py"):
            return cls(text, "file", class_name, Path(file).expanduser())
        if kind := _policy_in(folder):
            return cls(text, kind, _folder_name(folder), folder)
        if text in BASELINES:
            return cls(text, "baseline", text)
        if text in policy_names():
            base, changes = VARIANTS.get(text, (text, {}))
            own = _folders()[base]
            return cls(text, _policy_in(own) or "learned", text, own, changes)
        if offered := [point for point in _offered() if point.name == text]:
            return cls(text, "package", text, entry_point=_only(offered))
        if kind := _policy_in(folder / RUN_POLICY):
            return cls(text, kind, _folder_name(folder), folder / RUN_POLICY)
        raise UserError(_not_found(text, folder))

    def load(self, gripper: GripperSpec | None = None, *, device: str = "auto") -> Decides:
        """Load the policy; see `load_policy`."""
        if self.kind == "learned":
            from .learned import Policy

            return Policy.from_pretrained(self, device)
        if self.kind == "value":
            from .value.saved import load_value_policy

            assert self.path is not None
            return load_value_policy(self.path, gripper)
        if self.kind == "baseline":
            return Geometric(gripper) if self.name == "geometric" else RandomPolicy()
        if self.entry_point is not None:
            return load_entry_point(self.entry_point)
        assert self.path is not None
        return load_file(self.path, self.name)

    def sha256(self) -> str:
        """Return the hash of what the policy decides by, independent of where its code stands.

        A learned policy is its weights, its configuration and the version of the rule; a value
        policy is its weights, its numbers and its base; a baseline
        is its name and its version; a class is its name and its file, or its package's version
        too. Moved or reworded code of pushgrasp and training metadata do not count.

        Raises:
            UserError: its files cannot be read.
        """
        if self.kind == "learned":
            assert self.path is not None
            config = read_config(self.path)
            decision, primitive = with_changes(config, self.changes)
            parts = [_settings(part) for part in (config.network, decision, primitive)]
            version = version_for(decision, config.network.output)
            numbers = to_json([*parts, {"rule": version}])
            return _sha256(_read(self.path / MODEL), numbers.encode())
        if self.kind == "value":
            assert self.path is not None
            decision = read_value_config(self.path).decision
            numbers = to_json([_settings(decision), {"rule": VALUE_VERSION}])
            base = PolicySource.resolve(decision.base).sha256()
            return _sha256(_read(self.path / MODEL), numbers.encode(), base.encode())
        if self.kind == "baseline":
            return _sha256(f"{self.name} {BASELINES[self.name]}".encode())
        if self.entry_point is not None:
            return _sha256(*_package_parts(self.entry_point))
        assert self.path is not None
        return _sha256(self.name.encode(), _read(self.path))


def _folders() -> dict[str, Path]:
    """Return the folders of the learned policies that have names."""
    places = [LARGE_WEIGHTS] if (CHECKOUT / "pyproject.toml").is_file() else []
    files = (file for place in (*places, WEIGHTS) for file in place.glob(f"*/{CONFIG}"))
    return {file.parent.name: file.parent for file in files}


def _policy_in(folder: Path) -> Literal["learned", "value"] | None:
    """Return which kind of policy a folder's config.json says that it holds."""
    try:
        config = read_json(folder / CONFIG)
    except UserError:
        return None
    if not isinstance(config, dict):
        return None
    if config.get("format") == POLICY_FORMAT.name:
        return "learned"
    return "value" if config.get("format") == VALUE_FORMAT.name else None


def _folder_name(folder: Path) -> str:
    """Return a folder's name; of a training run's `policy` the run's."""
    folder = folder.resolve()
    return folder.parent.name if folder.name == RUN_POLICY else folder.name


def _offered() -> list[EntryPoint]:
    return list(entry_points(group=GROUP))


def _only(points: list[EntryPoint]) -> EntryPoint:
    if len({point.value for point in points}) > 1:
        values = " and ".join(point.value for point in points)
        raise UserError(
            f"two installed packages offer a policy {points[0].name!r}: {values}; uninstall one"
        )
    return points[0]


def _not_found(text: str, folder: Path) -> str:
    """Say why nothing was found, and what would be."""
    if folder.is_dir():
        if not (folder / CONFIG).exists():
            return f"{folder} is not a policy: it holds no {CONFIG}"
        config = read_json(folder / CONFIG)
        if isinstance(config, dict) and config.get("format") == "pushgrasp-run":
            return (
                f"{folder} is a training run that has no policy yet: it is written to "
                f"{RUN_POLICY}/ when training ends"
            )
        return f"{folder / CONFIG} is not {POLICY_FORMAT.kind}; name the folder of a policy"
    if text.endswith(".py"):
        return f"{text} names no class of that file; write {text}:CLASS"
    names = policy_sources()
    close = difflib.get_close_matches(text, names, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return (
        f"no policy {text!r}: it is neither a folder, nor FILE.py:CLASS, nor one of "
        f"{', '.join(names)}{hint}"
    )


def _settings(
    config: NetworkConfig | DecisionConfig | PrimitiveConfig | ValueConfig,
) -> dict[str, object]:
    """Return the fields that differ from their defaults: a field added later changes no hash."""
    usual = asdict(type(config)())
    return {name: value for name, value in asdict(config).items() if value != usual[name]}


def _package_parts(point: EntryPoint) -> list[bytes]:
    """Return what identifies a class of a package: name, version, and its file if found."""
    parts = [point.value.encode()]
    if point.dist is not None:
        parts.append(f"{point.dist.name} {point.dist.version}".encode())
        module = Path(*point.module.split("."))
        for file in (module.with_suffix(".py"), module / "__init__.py"):
            path = Path(str(point.dist.locate_file(str(file))))
            if path.is_file():
                parts.append(_read(path))
    return parts


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {path}: {reason(error)}") from error


def _sha256(*parts: bytes) -> str:
    """Hash the parts' own hashes, so that no byte can move from one part to the next."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part).digest())
    return whole.hexdigest()
