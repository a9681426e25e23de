"""Where files are kept that can be made or fetched again."""

from __future__ import annotations

from pathlib import Path

import platformdirs


def cache_folder(*parts: str) -> Path:
    """Return a folder in the user's cache, such as ~/.cache/pushgrasp/meshes; it need not exist.

    XDG_CACHE_HOME moves it.

    Args:
        parts: names below the package's own folder.
    """
    return Path(platformdirs.user_cache_dir("pushgrasp", appauthor=False), *parts)
