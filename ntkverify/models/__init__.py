"""Someone's torch module, as people have them: how it is called, what it returns, and which parameters move."""

from ntkverify.models.accepting import Chosen, model_of
from ntkverify.models.dtypes import Cast, cast_for
from ntkverify.models.examples import Examples, Inputs, Leaves
from ntkverify.models.model import Function, Model, Parameters, told_of_calls
from ntkverify.models.outputs import Output
from ntkverify.models.reading import arrays_in, examples_for
from ntkverify.models.untouched import examined

__all__ = [
    "Cast",
    "Chosen",
    "Examples",
    "Function",
    "Inputs",
    "Leaves",
    "Model",
    "Output",
    "Parameters",
    "arrays_in",
    "cast_for",
    "examined",
    "examples_for",
    "model_of",
    "told_of_calls",
]
