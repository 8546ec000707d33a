"""How the layers of a fit differ from those claimed, in words."""

from collections.abc import Iterator

from ntkverify.architecture import Architecture
from ntkverify.diagnosis.decoding import Layer, changes, claimed_layers, root, same
from ntkverify.diagnosis.seen import Fit

ORDINALS = {1: "second", 2: "third"}


def differences(fit: Fit, arch: Architecture, layers: list[Layer]) -> tuple[str, ...]:
    """Says how layers differ from those claimed, a change that several share once."""
    known = claimed_layers(arch, len(layers))
    said: dict[str, list[int]] = {}
    for place, (layer, was) in enumerate(zip(layers, known, strict=True)):
        for words in _in_words(layer, was, arch.inputs if place == 0 else 0):
            said.setdefault(words, []).append(place)
    return (
        *fit.structure.words,
        *(f"{words} {_places(places, len(layers))}" for words, places in said.items()),
    )


def _in_words(layer: Layer, was: Layer, inputs: int) -> Iterator[str]:
    changed = changes(layer, was)
    ratio = layer.weights / was.weights
    if "weights" in changed and "biases" in changed and same(layer.biases, ratio * was.biases):
        yield f"what enters the activation scaled by {root(ratio)}"
        changed = [name for name in changed if name not in ("weights", "biases")]
    if "weights" in changed and inputs and same(ratio, inputs):
        yield f"inner products not divided by their dimension, {inputs}: weight variance {layer.weights:.6g}"
    elif "weights" in changed:
        yield f"weight variance {layer.weights:.6g} for {was.weights:.6g}"
    if "biases" in changed and not layer.biases:
        yield "biases that start at zero and are trained" if layer.drifting else "no bias"
        changed = [name for name in changed if name != "drifting"] if not layer.drifting else changed
    elif "biases" in changed:
        yield f"bias variance {layer.biases:.6g} for {was.biases:.6g}"
    if "moving" in changed:
        yield (
            f"weight_rate {layer.moving:.6g} for {was.moving:.6g}" if layer.moving else "weights not trained"
        )
    if "drifting" in changed:
        yield (
            f"bias_rate {layer.drifting:.6g} for {was.drifting:.6g}"
            if layer.drifting
            else "biases not trained"
        )


def _places(places: list[int], count: int) -> str:
    if len(places) == count:
        return "in every layer"
    names = {0: "first", count - 1: "last"}
    ordinals = [names.get(place, ORDINALS.get(place, f"{place + 1}th")) for place in places]
    return f"in the {' and '.join(ordinals)} layer{'s' * (len(places) > 1)}"
