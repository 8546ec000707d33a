"""Dense layers and ReLU by the textbook; three more layers misbehave."""

import collections
import os
import sys
import time

import numpy as np

Kernel = collections.namedtuple("Kernel", "nngp ntk")


def Dense(out_dim, W_std, b_std):
    bias = 0 if b_std is None else b_std**2

    def affine(k, a, b, theta):
        k, a, b = (W_std**2 * part + bias for part in (k, a, b))
        return k, a, b, k + W_std**2 * theta

    return None, None, affine


def Relu():
    def arc_cosine(k, a, b, theta):
        angle = np.arccos(np.clip(k / np.sqrt(np.outer(a, b)), -1, 1))
        k = np.sqrt(np.outer(a, b)) * (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2 * np.pi)
        return k, a / 2, b / 2, theta * (np.pi - angle) / (2 * np.pi)

    return None, None, arc_cosine


def Erf():
    return None, None, lambda *kernel: (print("planted death", file=sys.stderr), os._exit(3))


def Sin():
    return None, None, lambda *kernel: time.sleep(60)


def Cos():
    raise ValueError("planted error")


def serial(*triples):
    layers = [kernel_fn for _, _, kernel_fn in triples]

    def kernel_fn(x1, x2, get):
        print("printed where answers go")
        d = x1.shape[1]
        state = x1 @ x2.T / d, (x1**2).sum(1) / d, (x2**2).sum(1) / d, 0.0
        for layer in layers:
            state = layer(*state)
        return Kernel(state[0], state[3])

    return None, None, kernel_fn
