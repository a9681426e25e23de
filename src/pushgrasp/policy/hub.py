"""Policies on the Hugging Face Hub: hf://OWNER/NAME, or hf://OWNER/NAME@REVISION."""

from __future__ import annotations

from pathlib import Path

from ..errors import UserError
from ..utils.optional import need
from .config import CONFIG, MODEL

PREFIX = "hf://"


def hub_folder(source: str) -> Path:
    """Return the folder of a policy on the hub, in the hub's own cache.

    The files are downloaded once. Without a network, or with HF_HUB_OFFLINE=1, the cache is used.
    Only a configuration and weights are read; nothing in them can run.

    Args:
        source: hf://OWNER/NAME or hf://OWNER/NAME@REVISION, a branch, tag or commit.
    Raises:
        UserError: it is no such name, the extra is not installed, or nothing is found there.
    """
    name, _, revision = source.removeprefix(PREFIX).partition("@")
    if len(name.split("/")) != 2 or not all(name.split("/")):
        raise UserError(f"{source} names no policy on the hub; write hf://OWNER/NAME[@REVISION]")
    hub = need("huggingface_hub", "hub")
    files = [CONFIG, MODEL, "README.md"]
    try:
        folder = Path(hub.snapshot_download(name, revision=revision or None, allow_patterns=files))
    except Exception as error:  # its errors and those of the network have no common class
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise UserError(f"cannot get {source}: {lines[0]}") from error
    for file in (CONFIG, MODEL):
        if not (folder / file).is_file():
            raise UserError(f"{source} is no policy: it holds no {file}")
    return folder
