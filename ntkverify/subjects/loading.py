"""Subjects by the name of a file or a module."""

import contextlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from ntkverify import guarding
from ntkverify.errors import InvalidArgument, MissingExtra
from ntkverify.guarding import TimedOut, exits_raise, time_limit
from ntkverify.subjects.parts import PARTS, has
from ntkverify.subjects.protocol import HasTryCalls, Subject

TRIAL_SECONDS = 300.0
"""How long a kernel may take for its first, small call, in which it may compile."""


def load(spec: str) -> Subject:
    """Imports the subject that `path/to/file.py:name` or `package.module:name` names.

    Raises InvalidArgument where there is no such file, module or object, where importing it raises or exits, or it has
    no part to test.
    """
    return check_subject(named(spec))


def check_subject(subject: Subject) -> Subject:
    """Returns the subject itself.

    Raises InvalidArgument where it has no name, or no part to test, or is a class, or its kernels cannot be called.
    """
    if isinstance(subject, type):
        raise _not_made(subject)
    if not hasattr(subject, "name") or not any(has(subject, part) for part in PARTS):
        remedy = (
            "Wrap a kernel function in ntkverify.KernelSubject(...), a torch module in ModuleSubject(...)."
        )
        expected = f"an object with `name` and some of {', '.join(PARTS)}"
        raise InvalidArgument("subject", repr(subject), expected, remedy)
    check_name(subject.name)
    if hasattr(subject, "try_calls"):
        _try_calls(cast(HasTryCalls, subject))
    return subject


def _try_calls(subject: HasTryCalls) -> None:
    try:
        with exits_raise(), time_limit(TRIAL_SECONDS):
            subject.try_calls()
    except (SystemExit, TimedOut) as error:
        got = f"{subject.name}, which at its first call ended in {type(error).__name__}: {error}"
        remedy = "Call it yourself on np.ones((3, d)), np.ones((2, d)), and mend what does not return."
        raise InvalidArgument("subject", got, "a kernel that returns a matrix", remedy) from error


def _not_made(kind: type) -> InvalidArgument:
    remedy = f"Make one: {kind.__name__}(...)."
    return InvalidArgument("subject", repr(kind), "an object, not its class", remedy)


def check_name(name: object) -> None:
    """Raises InvalidArgument where a subject's name is not one that findings can be filed under."""
    if not isinstance(name, str) or not name.strip():
        remedy = "Pass a few words that tell it from other subjects."
        raise InvalidArgument("name", repr(name), "a string that is not empty", remedy)


def named(spec: str) -> Any:
    """Imports the object that `path/to/file.py:name` or `package.module:name` names.

    Raises InvalidArgument where there is no such file, module or object, or importing it raises or exits.
    """
    place, _, name = spec.rpartition(":")
    if not place or not name.isidentifier():
        expected = "'path/to/file.py:name' or 'package.module:name'"
        raise InvalidArgument("subject", repr(spec), expected, "Name the object after a colon.")
    with _importing(place):
        module = _module_from_file(Path(place)) if place.endswith(".py") else _module_named(place)
    if not hasattr(module, name):
        raise InvalidArgument("subject", repr(spec), f"an object in {place}", f"It defines no {name!r}.")
    return getattr(module, name)


@contextlib.contextmanager
def _importing(place: str) -> Iterator[None]:
    """Raises InvalidArgument, with the last line that ran, for whatever an import raises."""
    try:
        with exits_raise():
            yield
    except (InvalidArgument, MissingExtra, KeyboardInterrupt):
        raise
    except BaseException as error:
        *_, what = traceback.format_exception_only(error)
        frames = traceback.extract_tb(error.__traceback__)
        last = [frame for frame in frames if frame.filename != guarding.__file__][-1]
        file, line = last.filename, last.lineno
        if isinstance(error, SyntaxError):  # whose traceback ends in the importer
            file, line = error.filename or file, error.lineno
        got = f"{place}, in which {file}, line {line}, raises {what.strip()}"
        expected = "a file or module that can be imported"
        raise InvalidArgument("subject", got, expected, "Mend that line.") from error


def _module_from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise InvalidArgument("subject", str(path), "an existing Python file", f"Looked in {Path.cwd()}.")
    definition = importlib.util.spec_from_file_location(path.stem, path)
    assert definition is not None and definition.loader is not None  # as for every file that ends in .py
    module = importlib.util.module_from_spec(definition)
    sys.modules[definition.name] = module  # dataclasses and pickle look themselves up there
    if str(path.parent.resolve()) not in sys.path:
        sys.path.insert(
            0, str(path.parent.resolve())
        )  # as Python does for a script: its neighbours can be imported
    definition.loader.exec_module(module)
    return module


def _module_named(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if not name.startswith(error.name or name):  # a module that it imports is missing
            raise
        raise InvalidArgument("subject", repr(name), "an importable module", f"{error}.") from error
