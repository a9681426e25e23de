"""Cache folders: files that can be made or downloaded again."""

from __future__ import annotations

from pathlib import Path

import platformdirs


def cache_folder(*parts: str, app: str = "pushgrasp") -> Path:
    """Return a folder in the user's cache, such as ~/.cache/pushgrasp/meshes; it need not exist.

    XDG_CACHE_HOME moves it.

    Args:
        parts: names below the application's own folder.
        app: the application that owns the cache.
    """
    return Path(platformdirs.user_cache_dir(app, appauthor=False), *parts)
