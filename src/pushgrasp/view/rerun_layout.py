"""Layout, colours and names of a recording in the Rerun viewer."""

from __future__ import annotations

import rerun as rr
import rerun.blueprint as rrb

from .draw.sheet import BAD, GOAL, GOOD, TARGET, UNSEEN, Color

ACTION_COLOR = (254, 97, 0)  # seen on dark and on light
CLEAR = (0, 0, 0, 0)
_Q = {"q_grasp": ("Q grasp", GOOD), "q_push": ("Q push", BAD)}


def blueprint(n_pixels: int) -> rrb.Blueprint:
    """Lay out the scene on the left and maps of n_pixels per side on the right."""
    bounds = rrb.VisualBounds2D(x_range=(0, n_pixels), y_range=(0, n_pixels))

    def view(name: str, *entities: str) -> rrb.Spatial2DView:
        contents = [f"maps/{entity}" for entity in entities]
        return rrb.Spatial2DView(origin="maps", name=name, contents=contents, visual_bounds=bounds)

    q_lines = rrb.TimeSeriesView(
        origin="numbers", name="Q", contents=[f"numbers/{name}" for name in _Q]
    )
    columns = rrb.TextLogColumns(timeline_columns=["action"], text_log_columns=["loglevel", "body"])
    return rrb.Blueprint(
        rrb.Horizontal(
            rrb.Vertical(
                rrb.Spatial3DView(origin="world", name="Scene"),
                rrb.Horizontal(rrb.TextDocumentView(origin="words", name="Step"), q_lines),
                row_shares=[3, 2],
            ),
            rrb.Grid(
                view("Colour, goal, target", "color", "height/none", "goal", "target", "action"),
                view("Height above the table", "height/**"),
                view("Objects", "objects"),
                view("Q grasp, best rotation", "q_grasp/**", "action"),
                view("Q push, best rotation", "q_push/**", "action"),
                rrb.TextLogView(origin="log", name="Actions", columns=columns),
                grid_columns=2,
            ),
        ),
        rrb.TimePanel(timeline="action", fps=1.0, play_state="paused"),
        collapse_panels=True,
    )


def styles() -> dict[str, rr.AsComponents]:
    """Return the static styles, by entity."""
    return {
        "world": rr.ViewCoordinates.RIGHT_HAND_Z_UP,
        "maps/objects": rr.AnnotationContext([(0, "none", CLEAR)]),
        "maps/goal": _mask("goal", GOAL),
        "maps/target": _mask("target", TARGET),
        **{f"maps/{name}/none": _mask("none", UNSEEN) for name in ("height", *_Q)},
        **{
            f"numbers/{entity}": rr.SeriesLines(names=name, colors=color)
            for entity, (name, color) in _Q.items()
        },
    }


def _mask(name: str, color: Color) -> rr.AnnotationContext:
    return rr.AnnotationContext([(0, "", CLEAR), (1, name, color)])
