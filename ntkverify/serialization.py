"""Frozen values <-> JSON: one converter, so that every record reads back as the value it was.

What stands at its default is left out, so that a field that is added later changes no text.
"""

import functools
import json
import math
from collections.abc import Callable
from typing import Any, TypeVar

import cattrs
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn

from ntkverify.errors import InvalidArgument

T = TypeVar("T")


@functools.cache
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True, omit_if_default=True)
    # JSON has no infinity and no NaN; a diverged training run has both.
    converter.register_unstructure_hook(float, lambda x: x if math.isfinite(x) else str(x))
    converter.register_structure_hook(float, lambda x, _: float(x))
    return converter


def tagged_family(base: type[T]) -> type[T]:
    """Class decorator: values of `base` and its subclasses, present and future, carry their "type" in JSON."""
    converter = _converter()

    def is_member(kind: Any) -> bool:
        return isinstance(kind, type) and issubclass(kind, base)

    @functools.cache
    def members() -> dict[str, type]:
        return {kind.__name__: kind for kind in _with_subclasses(base)}

    @functools.cache
    def fields_of(kind: type) -> Callable[[Any], dict[str, Any]]:
        return make_dict_unstructure_fn(kind, converter, _cattrs_omit_if_default=True)

    def unstructure(value: object) -> dict[str, Any]:
        kind: type = type(value)
        return {"type": kind.__name__, **fields_of(kind)(value)}

    def structure(plain: dict[str, Any], kind: type) -> Any:
        fields = dict(plain)
        name = fields.pop("type")
        if name not in members():
            members.cache_clear()
        actual = members()[name]
        return make_dict_structure_fn(actual, converter, _cattrs_forbid_extra_keys=True)(fields, actual)

    converter.register_unstructure_hook_func(is_member, unstructure)
    converter.register_structure_hook_func(is_member, structure)
    return base


def _with_subclasses(base: type) -> list[type]:
    children: list[type] = base.__subclasses__()
    return [base, *(kind for child in children for kind in _with_subclasses(child))]


def to_plain(value: Any) -> Any:
    """`value` as dicts, lists, strings and finite numbers, without fields that stand at their default."""
    return _converter().unstructure(value)


def from_plain(plain: Any, kind: type[T]) -> T:
    """The value of type `kind` that `to_plain` turned into `plain`.

    Raises InvalidArgument where `plain` does not describe one.
    """
    try:
        return _converter().structure(plain, kind)
    except (cattrs.BaseValidationError, AttributeError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, InvalidArgument):
            raise
        reasons = "; ".join(cattrs.transform_error(error)) if isinstance(error, Exception) else ""
        raise InvalidArgument(
            "json",
            reasons or repr(plain),
            f"the record of a {kind.__name__}",
            "Pass what `to_json` wrote, unchanged.",
        ) from error


def to_json(value: Any) -> str:
    """One line of strict JSON with sorted keys: equal values give equal text.

    Raises InvalidArgument for what is no value, such as a function.
    """
    try:
        return json.dumps(to_plain(value), sort_keys=True, allow_nan=False)
    except TypeError as error:
        remedy = "Keep it in Python code, and write the rest."
        raise InvalidArgument("json", str(error), "values that JSON has", remedy) from error


def from_json(text: str, kind: type[T]) -> T:
    """Reads what `to_json` wrote. Raises InvalidArgument for anything else."""
    try:
        plain = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidArgument(
            "json", repr(text[:80]), "JSON text", f"It stops being JSON at: {error}."
        ) from error
    return from_plain(plain, kind)
