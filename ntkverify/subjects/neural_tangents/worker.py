"""The other side: a script for a Python that has neural-tangents. It imports nothing of ntkverify, whose
dependencies that Python need not have.

A message is MAGIC, its length in 8 bytes, and an .npz archive: a `header` of JSON, and arrays to the last digit.
"""

import functools
import io
import json
import os
import struct
import sys
from collections.abc import Callable
from typing import IO, Any

import numpy as np

START = struct.Struct(">8sQ")
MAGIC = b"ntkverif"


def send(stream: IO[bytes], header: dict[str, Any], **arrays: np.ndarray) -> None:
    """Writes one message."""
    archive = io.BytesIO()
    members: dict[str, Any] = {"header": np.array(json.dumps(header)), **arrays}
    np.savez(archive, **members)
    stream.write(START.pack(MAGIC, archive.tell()) + archive.getvalue())
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Reads one message. Raises EOFError where the stream ends, or holds something else."""
    magic, length = START.unpack(_exactly(stream, START.size))
    if magic != MAGIC:
        raise EOFError(f"{magic!r} starts no message")
    with np.load(io.BytesIO(_exactly(stream, length)), allow_pickle=False) as archive:
        arrays = dict(archive)
    return json.loads(str(arrays.pop("header"))), arrays


def _exactly(stream: IO[bytes], count: int) -> bytes:
    content = stream.read(count)
    if len(content) < count:
        raise EOFError(f"{len(content)} of {count} bytes of a message came")
    return content


def main() -> None:
    """Says which version it has, or why it has none; then answers until its input ends."""
    # Libraries print: only what is meant as an answer may reach the other process.
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        import jax

        jax.config.update("jax_enable_x64", True)
        jax.config.update("jax_platforms", "cpu")
        import neural_tangents
    except Exception as error:
        send(answers, {"error": f"{type(error).__name__}: {error}"})
        return
    send(answers, {"version": neural_tangents.__version__})
    while True:
        try:
            header, arrays = receive(requests)
        except EOFError:
            return
        try:
            result = OPERATIONS[header["operation"]](header, **arrays)
        except Exception as error:
            send(answers, {"error": f"{type(error).__name__}: {error}"})
        else:
            send(answers, {}, **{name: np.asarray(value) for name, value in result.items()})


def value(header: dict[str, Any], x1: np.ndarray, x2: np.ndarray) -> dict[str, Any]:
    """Computes the kernel (n1, n2) that the header names, of its layers at x1 (n1, d), x2 (n2, d)."""
    return {"kernel": _kernel(header, x1, x2)}


def gradient(header: dict[str, Any], x1: np.ndarray, x2: np.ndarray, weights: np.ndarray) -> dict[str, Any]:
    """Computes the gradients of sum(weights * kernel) at x1 (n1, d) and at x2 (n2, d); weights: (n1, n2)."""
    import jax

    at_x1, at_x2 = jax.grad(lambda x1, x2: (weights * _kernel(header, x1, x2)).sum(), argnums=(0, 1))(x1, x2)
    return {"x1": at_x1, "x2": at_x2}


OPERATIONS: dict[str, Callable[..., dict[str, Any]]] = {"value": value, "gradient": gradient}


def _kernel(header: dict[str, Any], x1: Any, x2: Any) -> Any:
    from neural_tangents import stax

    layers = (_layer(name, json.dumps(options)) for name, options in header["layers"])
    _, _, kernel_fn = stax.serial(*layers)
    # Both, whichever is wanted: then one compilation serves for both.
    return getattr(kernel_fn(x1, x2, ("nngp", "ntk")), header["part"])


@functools.lru_cache(maxsize=256)
def _layer(name: str, options: str) -> tuple[Any, Any, Any]:
    """Makes that layer of stax, its kernel function compiled by itself, once for all depths and networks.

    (A whole network at once takes half a minute to compile at depth 30, and minutes at depth 100.)
    """
    import jax
    from neural_tangents import stax

    init_fn, apply_fn, kernel_fn = getattr(stax, name)(**json.loads(options))
    # It carries as attributes what it requires of its input; stax.serial reads them.
    return init_fn, apply_fn, functools.wraps(kernel_fn)(jax.jit(kernel_fn))


if __name__ == "__main__":
    main()
