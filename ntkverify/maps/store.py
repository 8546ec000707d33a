"""Where every measured network is written down at once: SQLite, so that a killed run loses nothing."""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from ntkverify import serialization
from ntkverify.errors import InvalidArgument
from ntkverify.maps.values import Problem

TABLE = """CREATE TABLE IF NOT EXISTS networks (
problem TEXT, replicate INTEGER, test REAL NOT NULL, joint REAL NOT NULL, PRIMARY KEY (problem, replicate))"""

Key = tuple[Problem, int]
"""A problem and the number of the replicate."""


@contextlib.contextmanager
def open_store(path: Path | None) -> Iterator[sqlite3.Connection]:
    """Opens the store at `path` and closes it afterwards; it is made where there is none, in memory for None.

    Raises InvalidArgument for a file that is no store, is broken, or cannot be written to.
    """
    try:
        with contextlib.closing(sqlite3.connect(path or ":memory:", timeout=60)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(TABLE)
            yield connection
    except sqlite3.DatabaseError as error:  # also of a page that is read or written later
        remedy = "Name another folder, make room there, or move the file away."
        raise InvalidArgument("out", f"{path} ({error})", "a store that a map wrote", remedy) from error


def write(store: sqlite3.Connection, key: Key, test: float, joint: float) -> None:
    """Writes one network down; the first measurement of a key stays."""
    row = (serialization.to_json(key[0]), key[1], test, joint)
    with store:
        store.execute("INSERT OR IGNORE INTO networks VALUES (?, ?, ?, ?)", row)


def read(store: sqlite3.Connection, problems: Iterable[Problem]) -> dict[Key, tuple[float, float]]:
    """Returns (test gap, joint gap) of each network of the problems that is there."""
    known = {}
    for problem in problems:
        query = "SELECT replicate, test, joint FROM networks WHERE problem = ? ORDER BY replicate"
        for replicate, *gaps in store.execute(query, (serialization.to_json(problem),)):
            known[problem, replicate] = tuple(gaps)
    return known
