"""A small bug, as an edit of one file."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A bug that a tired colleague might make.

    name: what is wrong, in words. file: under ntkverify/; `old`, which stands in it exactly once, becomes `new`.
    tests: files, folders or ids of tests that concern it, the quickest first. families: an expression of pytest's -k for the claims
    that concern it, "" where a user's subject could not have this bug. survives: why no test catches it, in one line.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    families: str = ""
    survives: str = ""

    def applied(self, text: str) -> str:
        """Returns the file's text with the bug; raises ValueError where `old` doesn't stand in it exactly once."""
        if (count := text.count(self.old)) != 1:
            raise ValueError(
                f"{self.name}: {self.old!r} stands in ntkverify/{self.file} {count} times, not once"
            )
        return text.replace(self.old, self.new)
