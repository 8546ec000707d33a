"""How much work a run may do. Imports neither torch nor Hypothesis."""

from dataclasses import dataclass

from ntkverify.errors import InvalidArgument


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How hard a run looks.

    examples: scenarios tried per deterministic claim; stochastic_examples: per stochastic claim,
    each of which may draw at most max_samples networks at each width.
    widths: those that convergence is fitted over, largest first. widest: where it is followed over decades.
    seconds: after which a claim is ended, since the code under test may hang.
    """

    name: str
    examples: int
    stochastic_examples: int
    max_samples: int
    widths: tuple[int, ...]
    widest: int = 2**13
    seconds: float = 1800.0


BUDGETS = {
    budget.name: budget
    for budget in (
        Budget(
            name="quick",
            examples=25,
            stochastic_examples=4,
            max_samples=20_000,
            widths=(512, 256, 128, 64, 32),
        ),
        Budget(
            name="standard",
            examples=40,
            stochastic_examples=20,
            max_samples=20_000,
            widths=(512, 256, 128, 64, 32),
        ),
        Budget(
            name="thorough",
            examples=1000,
            stochastic_examples=40,
            max_samples=20_000,
            widths=(1024, 512, 256, 128, 64, 32),
            widest=2**17,
            seconds=6 * 3600.0,
        ),
    )
}


TIMEOUT_HELP = (
    "ends a claim whose code hangs, inside its premises and outside, each after so many seconds, 0 for never (default: "
    + ", ".join(f"{budget.seconds:g} for {budget.name}" for budget in BUDGETS.values())
    + "); one call into C, such as a matrix product, cannot be interrupted"
)


def budget_named(name: str) -> Budget:
    """The budget of that name; raises InvalidArgument for an unknown one."""
    if not isinstance(name, str) or name not in BUDGETS:
        raise InvalidArgument("budget", repr(name), f"one of {', '.join(BUDGETS)}", "Choose one.")
    return BUDGETS[name]
