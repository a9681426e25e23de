"""`pushgrasp policies`: the policies that have names here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..utils.files import to_json
from .options import Switch

if TYPE_CHECKING:
    from ..policy.load import PolicySource

PROGRAMS = {
    "geometric": "hand-written planner: no learning",
    "random": "random pushes and grasps: the lower bound",
}


@dataclass(frozen=True)
class PoliciesCommand:
    """List the policies that can be used by name.

    Any policy may also be named by its folder, by the folder of a training run, as hf://OWNER/NAME,
    by the https:// address of its folder, or as FILE.py:CLASS.
    """

    json: Switch = False
    """Print one JSON object instead of a table."""

    def run(self) -> int:
        """Run the command; returns the exit code."""
        from ..policy.load import PolicySource, policy_sources

        facts = {name: describe(PolicySource.resolve(name)) for name in policy_sources()}
        if self.json:
            print(to_json(facts, indent=2))
            return 0
        header = ("name", "network", "size", "what it is")
        rows = [header, *((name, *_row(fact)) for name, fact in facts.items())]
        widths = [max(len(row[k]) for row in rows) for k in range(3)]
        for row in rows:
            print("  ".join(f"{cell:<{w}}" for cell, w in zip(row, (*widths, 0), strict=True)))
        return 0


def describe(source: PolicySource) -> dict[str, Any]:
    """Describe a policy, without loading weights or code.

    Returns:
        JSON-ready: kind and about, of a learned policy also network, megabytes and folder.
    """
    from ..policy.config import MODEL, read_config
    from ..policy.value.config import read_value_config

    if source.kind == "package":
        assert source.entry_point is not None
        return {"kind": source.kind, "about": f"class {source.entry_point.value} of a package"}
    if source.kind == "baseline":
        return {"kind": source.kind, "about": PROGRAMS[source.name]}
    assert source.path is not None
    megabytes = round((source.path / MODEL).stat().st_size / 1e6, 1)
    if source.kind == "value":
        saved = read_value_config(source.path)
        return {
            "kind": source.kind,
            "network": "value",
            "megabytes": megabytes,
            "folder": str(source.path),
            "about": f"recipe {saved.metadata.get('recipe', 'unknown')}, "
            f"based on {saved.decision.base}",
        }
    config = read_config(source.path)
    changes = "".join(f", {name}={value}" for name, value in source.changes.items())
    return {
        "kind": source.kind,
        "network": config.network.name,
        "megabytes": megabytes,
        "folder": str(source.path),
        "about": f"recipe {config.metadata.get('recipe', 'unknown')}{changes}",
    }


def _row(facts: dict[str, Any]) -> tuple[str, str, str]:
    size = f"{facts['megabytes']:.1f} MB" if "megabytes" in facts else "–"
    return facts.get("network", "–"), size, facts["about"]
