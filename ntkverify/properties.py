"""Every claim as a test, for whoever has ntkverify installed: `pytest --pyargs ntkverify.properties -m equivalence`."""

from collections.abc import Callable

from ntkverify.claims import Claim
from ntkverify.pytest_plugin import parametrize_with_family


@parametrize_with_family("")
def test_claim(claim: Claim, premises: str, try_claim: Callable[..., None]) -> None:
    try_claim(claim, premises)
