"""The finite torch network of an architecture. Shares no scaling code with `ntkverify.analytic`."""

from ntkverify.networks.assembly import Storage, network
from ntkverify.networks.layers import Parameterization, build
from ntkverify.networks.modules import Antisymmetric, Elementwise, InMetric, NTKLinear, Scaled

__all__ = [
    "Antisymmetric",
    "Elementwise",
    "InMetric",
    "NTKLinear",
    "Parameterization",
    "Scaled",
    "Storage",
    "build",
    "network",
]
