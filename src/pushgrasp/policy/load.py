"""Policies by name: learned ones, hand-written baselines, and classes of third parties."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, replace
from pathlib import Path

from ..errors import UserError
from ..interfaces import GripperSpec
from ..primitives import PrimitiveConfig
from ..utils.files import to_json
from .base import Decides
from .config import DecisionConfig, NetworkConfig
from .geometric.planner import VERSION as GEOMETRIC_VERSION
from .geometric.planner import Geometric
from .learned import Policy
from .plugin import load_plugin
from .pretrained import CONFIG, MODEL, VARIANTS, WEIGHTS, find_policy, policy_names, read_config
from .random import VERSION as RANDOM_VERSION
from .random import Chance
from .rule import version_for

GEOMETRIC, RANDOM = BASELINES = ("geometric", "random")
"""Policies that are programs, not weights."""


def policy_sources() -> list[str]:
    """The policies that have names of their own."""
    return sorted({*policy_names(), *BASELINES})


def load_policy(source: str | Path, gripper: GripperSpec | None = None) -> Decides:
    """Load a policy, ready to decide.

    Args:
        source: a name (see `policy_sources`), a folder that holds a policy, or `FILE.py:CLASS`
            (see `plugins`), whose code then runs here.
        gripper: the robot's jaw, for a policy that plans with its geometry; None: an RG2's.
    Raises:
        UserError: there is no such policy, or it cannot be loaded; the message says why.
    """
    if plugin := _plugin(source):
        return load_plugin(*plugin)
    if str(source) == RANDOM and not _is_folder(source):
        return Chance()
    if str(source) == GEOMETRIC and not _is_folder(source):
        return Geometric(gripper)
    _find(source)
    return Policy.from_pretrained(source)


def policy_name(source: str | Path) -> str:
    """What to call a policy in tables and file names.

    Args:
        source: as for `load_policy`; it need not exist.
    Returns:
        The name, the folder's name (of a training run's `policy` that of the run), or the class's.
    """
    if plugin := _plugin(source):
        return plugin[1]
    if not _is_folder(source):
        return str(source)
    folder = Path(source).expanduser().resolve()
    return folder.parent.name if folder.name == "policy" else folder.name


def policy_hash(source: str | Path) -> str:
    """Return the SHA-256 of what a policy decides by, independent of where its code stands.

    A learned policy is its weights, its configuration and the version of the rule; a baseline is
    its name and its version. Reworded or moved files and training metadata do not count.

    Args:
        source: as for `load_policy`. Of `FILE.py:CLASS` the class's name and that one file count,
            not what it imports.
    Raises:
        UserError: there is no such policy, or its files cannot be read.
    """
    if plugin := _plugin(source):
        path, name = plugin
        return _sha256(name.encode(), _read(path))
    if str(source) in BASELINES and not _is_folder(source):
        version = GEOMETRIC_VERSION if str(source) == GEOMETRIC else RANDOM_VERSION
        return _sha256(f"{source} {version}".encode())
    folder = _find(source)
    changes = VARIANTS[str(source)][1] if _is_variant(source, folder) else {}
    config = read_config(folder)
    decision = replace(config.decision, **changes)
    parts = [_settings(part) for part in (config.network, decision, config.primitive)]
    version = version_for(decision, config.network.output)
    numbers = to_json([*parts, {"rule": version}])
    return _sha256(_read(folder / MODEL), numbers.encode())


def _settings(config: NetworkConfig | DecisionConfig | PrimitiveConfig) -> dict[str, object]:
    """The fields that differ from their defaults, so that a field added later changes no hash."""
    usual = asdict(type(config)())
    return {name: value for name, value in asdict(config).items() if value != usual[name]}


def _find(source: str | Path) -> Path:
    """The folder of a learned policy."""
    if not Path(source).expanduser().is_dir() and str(source) not in policy_names():
        raise UserError(
            f"no policy {str(source)!r}: it is no folder and no FILE.py:CLASS, and the named ones "
            f"are: {', '.join(policy_sources())}"
        )
    return find_policy(source)


def _is_folder(source: str | Path) -> bool:
    """Whether a folder that holds a policy is meant: it goes before a name."""
    return (Path(source).expanduser() / CONFIG).exists()


def _is_variant(source: str | Path, folder: Path) -> bool:
    return str(source) in VARIANTS and folder.parent == WEIGHTS


def _plugin(source: str | Path) -> tuple[Path, str] | None:
    """File and class, if the source names such.

    Raises:
        UserError: it names a Python file without a class.
    """
    file, _, name = str(source).rpartition(":")
    if file.endswith(".py"):
        return Path(file).expanduser(), name
    if str(source).endswith(".py") and not Path(source).expanduser().is_dir():
        raise UserError(f"{source} names no class of that file; write {source}:CLASS")
    return None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error


def _sha256(*parts: bytes) -> str:
    """Of the parts' own hashes, so that no byte can move from one part to the next."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part).digest())
    return whole.hexdigest()
