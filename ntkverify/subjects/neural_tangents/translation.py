"""Architectures as layers of neural-tangents' stax: a name there and its arguments."""

from ntkverify.activations.base import REGISTRY, Activation, Layer, StaxLayer
from ntkverify.architecture import Architecture, Linear
from ntkverify.errors import InvalidArgument


def calls(arch: Architecture) -> list[StaxLayer]:
    """Returns the layers from input to output. Raises InvalidArgument for one that stax has not in closed
    form."""
    return [_call(layer) for layer in arch.walk()]


def supports(arch: Architecture) -> bool:
    """Whether stax has every layer of `arch` in closed form: it knows neither rates nor metrics."""
    plain = arch.metric is None and all(linear.in_ntk_parameterization for linear in arch.linears)
    return plain and all(_stax(activation) for activation in arch.activations)


def _stax(activation: Activation) -> StaxLayer | None:
    facts = REGISTRY.get(type(activation))
    return facts.stax(activation) if facts else None


def _call(layer: Layer) -> StaxLayer:
    if isinstance(layer, Linear):
        # stax takes the number of units too, and reads it nowhere in the limit.
        return "Dense", {"out_dim": 1, "W_std": layer.weight_std, "b_std": layer.bias_std or None}
    if isinstance(layer, Activation) and (found := _stax(layer)):
        return found
    remedy = "Ask the subject's supports(arch) first."
    raise InvalidArgument("layer", repr(layer), "one that neural-tangents has in closed form", remedy)
