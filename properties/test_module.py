"""Someone's torch module, built at any width: claims of `ntkverify/claims/module.py`."""

from ntkverify.pytest_plugin import parametrize_with_family


@parametrize_with_family("module")
def test_module(claim, premises, try_claim):
    try_claim(claim, premises)
