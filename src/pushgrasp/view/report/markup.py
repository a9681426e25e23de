"""HTML and SVG by elements, so that no text gets into a page without being escaped."""

from __future__ import annotations

from html import escape


class Html(str):
    """Markup, as opposed to text that has still to be escaped."""

    __slots__ = ()


def el(name: str, *children: str, **attributes: object) -> Html:
    """An element.

    Args:
        name: of the element.
        children: `Html` is taken as it is, any other text is escaped.
        attributes: `class_` is class and `aria_label` is aria-label; True stands alone, None
            and False are left out; floats are rounded to a hundredth, enough for a pixel.
    """
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}{_value(value)}"
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    return Html(f"<{name}{written}>{join(*children)}</{name}>")


def join(*children: str) -> Html:
    """Several pieces one after another; text among them is escaped."""
    return Html("".join(c if isinstance(c, Html) else escape(c, quote=False) for c in children))


def _value(value: object) -> str:
    if value is True:
        return ""
    text = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return f'="{escape(text)}"'
