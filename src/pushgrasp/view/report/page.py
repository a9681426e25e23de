"""The report as one self-contained page: its template filled with tables, plots and trials.

The page's Content-Security-Policy allows nothing from any network and no script and no style
but those whose hashes it names, so nothing that a results folder says can run.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ...evaluation.tables import multiplicity
from ...utils.files import to_json
from ..draw.words import plural
from . import about, formats, plots
from .charts import key_sample
from .data import Results, StripFile, read_strip
from .rate_table import REPORTED, STYLES, RateTable, arrange, title_of
from .trials import listing

SCRIPTS = ("steps.js", "list.js", "page.js")  # in the order in which they build on each other


def report_page(results: Results, *, pictures: bool = True) -> str:
    """Write a report as the text of an HTML file.

    Args:
        results: what to report.
        pictures: put in the strips that exist; small drawings take the place of others.
    """
    environment = _environment()
    style, *scripts = (_source(environment, name) for name in ("page.css", *SCRIPTS))
    table = arrange(results.summary)
    return environment.get_template("page.html").render(
        security_policy=_security_policy(style, scripts),
        style=style,
        scripts=scripts,
        names=[run.folder.resolve().name for run in results.runs],
        origins=list(dict.fromkeys(about.origin(run) for run in results.runs)),
        tiles=_tiles(results, table),
        damaged=results.damaged,
        table=table,
        comparisons=results.summary["comparisons"],
        runs=[{"command": about.command(run), "facts": about.facts(run)} for run in results.runs],
        trials=listing(results, table),
        strips=_strips(results) if pictures else (),
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("pushgrasp.view.report", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    functions = (
        multiplicity, plural, title_of, formats.signed_number, formats.number, formats.numbers,
        formats.p_value, formats.percent, formats.percents, formats.seconds, formats.trial_counts,
    )  # fmt: skip
    filters: dict[str, Any] = {function.__name__: function for function in functions}
    environment.filters.update(filters)
    names: dict[str, Any] = {
        "plots": plots, "key_sample": key_sample, "REPORTED": REPORTED, "STYLES": STYLES,
    }  # fmt: skip
    environment.globals.update(names)
    environment.policies["json.dumps_function"] = to_json
    environment.policies["json.dumps_kwargs"] = {}
    return environment


def _source(environment: Environment, name: str) -> Markup:
    assert environment.loader is not None
    return Markup(environment.loader.get_source(environment, name)[0])


def _security_policy(style: str, scripts: list[Markup]) -> str:
    rules = (
        "default-src 'none'", "base-uri 'none'", "form-action 'none'", "img-src data:",
        "script-src " + " ".join(map(_hash, scripts)), f"style-src {_hash(style)}",
        "require-trusted-types-for 'script'",
    )  # fmt: skip
    return Markup("; ".join(rules))


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _tiles(results: Results, table: RateTable) -> dict[str, int]:
    totals = results.summary["totals"]
    return {
        "trials": totals["trials"],
        "policies": len(table.policies),
        "groups of scenes": sum(map(len, table.kinds.values())),
        "simulator faults": totals["faults"],
        "wrong claims": totals["wrong_claims"],
        "missed claims": totals["missed_claims"],
    }


def _strips(results: Results) -> Iterator[tuple[int, StripFile]]:
    """Yield the strips that exist, with the indices of their trials."""
    for i, (record, folder) in enumerate(zip(results.records, results.folders, strict=True)):
        strip = read_strip(folder, record)
        if strip is not None:
            yield i, strip
