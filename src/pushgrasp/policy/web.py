"""Policies at a web address: https://HOST/PATH/NAME, a folder with `config.json` and weights."""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path

from ..errors import UserError
from ..utils.cache import cache_folder
from ..utils.files import write_atomic
from .config import CONFIG, MODEL, POLICY_FORMAT

PREFIXES = ("https://", "http://")
TIMEOUT = 20.0
"""Seconds without an answer after which a download is given up."""
MAX_BYTES = 1_000_000_000
"""No policy is larger."""


def web_folder(url: str) -> Path:
    """Return the folder of a policy at an address, in the cache.

    Weights are downloaded once and again when the policy there has changed. Without a network, a
    policy in the cache is used. Nothing in the files can run.

    Args:
        url: address of the policy's folder.
    Raises:
        UserError: it cannot be had, or what is there is no policy.
    """
    url = url.rstrip("/")
    key = hashlib.sha256(url.encode()).hexdigest()[:16]
    folder = cache_folder("policies", key, url.rpartition("/")[2])
    try:
        config = _fetch(f"{url}/{CONFIG}")
    except (OSError, HTTPException) as error:
        if (folder / CONFIG).is_file() and not isinstance(error, urllib.error.HTTPError):
            return folder
        raise UserError(f"cannot get {url}/{CONFIG}: {_reason(error)}") from error
    _check_policy(config, url)
    if not (folder / CONFIG).is_file() or (folder / CONFIG).read_bytes() != config:
        try:
            model = _fetch(f"{url}/{MODEL}")
        except (OSError, HTTPException) as error:
            raise UserError(f"cannot get {url}/{MODEL}: {_reason(error)}") from error
        (folder / CONFIG).unlink(missing_ok=True)  # it comes last: it says that the weights fit
        write_atomic(folder / MODEL, model)
        write_atomic(folder / CONFIG, config)
    return folder


def _fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
        content: bytes = answer.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise OSError(f"it has more than {MAX_BYTES} bytes")
    return content


def _check_policy(config: bytes, url: str) -> None:
    try:
        content = json.loads(config)
    except ValueError:
        content = None
    if not isinstance(content, dict) or content.get("format") != POLICY_FORMAT.name:
        raise UserError(
            f"{url}/{CONFIG} is not {POLICY_FORMAT.kind}; name the address of a policy's folder "
            "from which the files themselves can be downloaded"
        )


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, OSError):
        return error.reason.strerror or str(error.reason)
    return str(error) or type(error).__name__
