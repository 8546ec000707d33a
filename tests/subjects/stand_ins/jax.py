"""As much of jax as the other process uses: nothing compiled, gradients by central differences."""

import numpy as np


class config:
    update = staticmethod(lambda name, value: print("printed where answers go"))


def jit(function):
    return function


def grad(function, argnums):
    def central_differences(*arguments):
        return tuple(_differences(function, arguments, number) for number in argnums)

    return central_differences


def _differences(function, arguments, number):
    out = np.zeros_like(arguments[number])
    for place in np.ndindex(out.shape):
        step = np.zeros_like(out)
        step[place] = 0.5  # exact for what is quadratic
        ahead, behind = ([*arguments] for _ in range(2))
        ahead[number], behind[number] = arguments[number] + step, arguments[number] - step
        out[place] = function(*ahead) - function(*behind)
    return out
