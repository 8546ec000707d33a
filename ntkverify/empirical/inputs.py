"""What every function of this folder asks of its network and its inputs."""

from torch import Tensor, nn

from ntkverify.arrays import Array, as_batch
from ntkverify.errors import InvalidArgument


def inputs(net: nn.Module, x1: Array, x2: Array | None) -> tuple[Tensor, Tensor]:
    """Returns x1 (n1, ...) and x2 (n2, ...), or x1 again, with the dtype and on the device of the parameters.

    Raises InvalidArgument for bad inputs, or a network with nothing to train.
    """
    trainable = [parameter for parameter in net.parameters() if parameter.requires_grad]
    if not trainable:
        remedy = "Set requires_grad on what training would move."
        raise InvalidArgument("net", "no trainable parameter", "at least one", remedy)
    first = as_batch("x1", x1).to(trainable[0]).detach()
    # The same points again need no second pass.
    same = x2 is None or x2 is x1
    second = first if same else as_batch("x2", x2, shape=first.shape[1:]).to(first).detach()
    return first, second
