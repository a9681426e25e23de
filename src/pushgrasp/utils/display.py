"""Is there a screen to open a window on?"""

from __future__ import annotations

import os
import sys

from ..errors import UserError


def check_display(option: str) -> None:
    """Refuse to open a window where none can be.

    Args:
        option: what asks for it.
    Raises:
        UserError: there is no display.
    """
    if sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return
    raise UserError(
        f"{option} needs a display, and neither DISPLAY nor WAYLAND_DISPLAY is set; log in with a "
        "desktop or by `ssh -X`, or watch the video instead"
    )
