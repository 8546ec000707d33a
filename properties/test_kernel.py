"""The analytic kernels: claims of `ntkverify/claims/kernel.py`."""

from ntkverify.pytest_plugin import parametrize_with_family, try_claim


@parametrize_with_family("kernel")
def test_kernel(claim, premises, hunt):
    try_claim(hunt, claim, premises)
