"""What every function of this folder asks of its network and its inputs."""

from torch import Tensor, nn

from ntkverify.errors import InvalidArgument
from ntkverify.models import Chosen, Examples, Inputs, Model, Output, cast_for, examples_for, model_of


def prepared(
    net: nn.Module,
    x1: Inputs,
    x2: Inputs | None,
    output: Output | None = None,
    parameters: Chosen = None,
    names: tuple[str, str] = ("x1", "x2"),
) -> tuple[Model, Examples, Examples]:
    """Returns the model, and x1 and x2 (or x1 again) as it takes them; names: what errors call these.

    Raises InvalidArgument for bad inputs, or a network with nothing to train.
    """
    model = model_of(net, output, parameters)
    given = examples_for(net, names[0], x1)
    cast = cast_for(model, given)
    first = cast(given)
    if x2 is None or x2 is x1:  # the same points again need no second pass
        return model, first, first
    return model, first, cast(_alike(names[1], examples_for(net, names[1], x2), given))


def _alike(argument: str, x: Examples, other: Examples) -> Examples:
    """Returns x; raises InvalidArgument, naming `argument`, where it is not of the shape of `other`."""
    shapes, expected = (tuple(tuple(leaf.shape[1:]) for leaf in each.leaves) for each in (x, other))
    if x.form.spec != other.form.spec or shapes != expected:
        got, wanted = (_described(each) for each in (x.leaves, other.leaves))
        remedy = "Pass examples of one kind."
        raise InvalidArgument(argument, got, wanted.replace(f"({len(other)},", "(n,"), remedy)
    return x


def _described(leaves: tuple[Tensor, ...]) -> str:
    return "shape " + " and ".join(str(tuple(leaf.shape)) for leaf in leaves)
