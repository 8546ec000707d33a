"""A premise: something that a theorem assumes."""

from collections.abc import Callable
from dataclasses import dataclass

from ntkverify.scenarios import Scenario


@dataclass(frozen=True, kw_only=True)
class Premise:
    """Something that a theorem assumes of a scenario.

    name: as findings list it among their broken premises. statement: what reports say of it.
    holds: whether a scenario meets it.
    """

    name: str
    statement: str
    holds: Callable[[Scenario], bool]
