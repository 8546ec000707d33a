"""Independent random streams, each named: no global random state is read or written."""

import hashlib

import numpy as np

from ntkverify.errors import InvalidArgument


def derive(seed: int, *names: str | int) -> np.random.Generator:
    """Makes the random stream that belongs to `seed` and `names`, always the same one.

    Streams with different names are independent (PCG64 seeded by the SHA-256 hash of the
    name), so adding a draw in one place never shifts the numbers drawn in another.

    Raises InvalidArgument for a seed that is not an integer.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise InvalidArgument("seed", repr(seed), "an integer", "Pass a plain int, for example seed=0.")
    name = repr((int(seed), *names)).encode()
    return np.random.default_rng(int.from_bytes(hashlib.sha256(name).digest()))
