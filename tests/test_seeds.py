import numpy as np
import pytest

from ntkverify.errors import InvalidArgument
from ntkverify.seeds import derive


def test_the_name_decides_the_stream():
    first = derive(0, "a", 1).standard_normal(3)
    np.testing.assert_array_equal(first, derive(0, "a", 1).standard_normal(3))
    for other in (derive(1, "a", 1), derive(0, "a", 2), derive(0, "a1"), derive(0, "a", "1")):
        assert not np.array_equal(first, other.standard_normal(3))


def test_global_state_is_neither_read_nor_written():
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    first = derive(0, "a").standard_normal()
    assert np.array_equal(np.random.get_state()[1], before)
    np.random.seed(1)
    assert derive(0, "a").standard_normal() == first


@pytest.mark.parametrize("seed", [0.5, "0", None, True])
def test_a_seed_is_an_integer(seed):
    with pytest.raises(InvalidArgument, match="^seed: got"):
        derive(seed)
