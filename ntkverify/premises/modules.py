"""What claims assume of a torch module."""

from ntkverify.premises.premise import Premise
from ntkverify.scenarios import Scenario


def _exceeds_parameters(scenario: Scenario) -> bool:
    recipe = scenario.recipe
    net = recipe.build(scenario.points.dimension, 0)
    return scenario.points.count * recipe.outputs > sum(part.numel() for part in net.parameters())


MORE_THAN_PARAMETERS = Premise(
    name="more outputs than parameters",
    statement="points times outputs exceed the number of parameters: else the bound says nothing",
    holds=_exceeds_parameters,
)
