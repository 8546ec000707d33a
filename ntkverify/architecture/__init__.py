"""What a network computes, apart from its width: frozen values that read and write JSON."""

from ntkverify.architecture.layers import LINEAR_NUMBERS, WEIGHTS, Linear, Sequential
from ntkverify.architecture.network import Architecture, mlp

__all__ = ["LINEAR_NUMBERS", "WEIGHTS", "Architecture", "Linear", "Sequential", "mlp"]
