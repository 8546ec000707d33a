"""Small bugs to plant in the core, by area: what tests have to catch."""

from mutations import (
    activations,
    analytic,
    claims,
    diagnosis,
    empirical,
    networks,
    predict,
    reports,
    search,
    stats,
    training,
)
from mutations.mutant import Mutant

AREAS: dict[str, tuple[Mutant, ...]] = {
    area.__name__.removeprefix("mutations."): area.MUTANTS
    for area in (
        analytic,
        activations,
        networks,
        training,
        predict,
        empirical,
        stats,
        claims,
        search,
        reports,
        diagnosis,
    )
}
"""Mutants by area: the name of the file that they stand in."""

__all__ = ["AREAS", "Mutant"]
