"""The policies of a run: their names in the records, and what they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import UserError
from ..policy.load import PolicySource


@dataclass(frozen=True)
class PolicyEntry:
    """A policy of a run."""

    name: str  # in the records
    source: str  # what `load_policy` takes
    sha256: str  # see `PolicySource.sha256`


def policy_entries(sources: Sequence[str]) -> list[PolicyEntry]:
    """Name and hash the policies of a run.

    Args:
        sources: one or more; see `load_policy`.
    Raises:
        UserError: none, one that cannot be read, or two of the same name.
    """
    if not sources:
        raise UserError("no policy given; name at least one")
    entries: dict[str, PolicyEntry] = {}
    for source in sources:
        found = PolicySource.resolve(source)
        if found.name in entries:
            raise UserError(
                f"two policies would be called {found.name}: {entries[found.name].source} and "
                f"{source}; rename a folder or a class, or name each policy once"
            )
        entries[found.name] = PolicyEntry(found.name, source, found.sha256())
    return list(entries.values())
