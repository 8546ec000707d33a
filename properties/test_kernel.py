"""The analytic kernels: claims of `ntkverify/claims/kernel.py`."""

from ntkverify.pytest_plugin import parametrize_with_family


@parametrize_with_family("kernel")
def test_kernel(claim, premises, try_claim):
    try_claim(claim, premises)
