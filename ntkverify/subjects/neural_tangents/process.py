"""One process that answers requests over its pipes, for as long as this one lives."""

import atexit
import contextlib
import os
import signal
import subprocess
import tempfile
import threading
from typing import Any

import numpy as np

from ntkverify.errors import NtkverifyError
from ntkverify.subjects.neural_tangents import worker

LAST_WORDS = 2000
"""Characters of a dead process's error output that are quoted."""

Message = tuple[dict[str, Any], dict[str, np.ndarray]]
"""A header and arrays."""


class ProcessDied(NtkverifyError):
    """The other process ended, or did not answer in time: says which, and the last it wrote."""


class Process:
    """Starts `command` at the first request, and again at the next one after it died.

    limit: seconds that a start or an answer may take, after which the process is killed. Several threads may
    ask; they take turns.
    """

    def __init__(self, command: tuple[str, ...], limit: float):
        self._command, self._limit = command, limit
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._greeting: dict[str, Any] = {}
        atexit.register(self.close)

    def greeting(self) -> dict[str, Any]:
        """Returns the header of the first message that the process sent. Raises as `ask` does."""
        with self._lock:
            self._start()
            return self._greeting

    def ask(self, header: dict[str, Any], **arrays: np.ndarray) -> Message:
        """Returns the answer to one message.

        Raises ProcessDied where there is none, and OSError where the command cannot be run.
        """
        with self._lock:
            self._start()
            return self._exchange(header, arrays)

    def close(self) -> str:
        """Ends the process, and returns the end of its error output. It never waits for an answer."""
        process, self._process = self._process, None
        if process is None:
            return ""
        _kill(process)
        process.communicate()
        with self._errors as errors:
            errors.seek(0)
            return errors.read().decode(errors="replace").strip()[-LAST_WORDS:]

    def _start(self) -> None:
        if self._process is not None:
            return
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (a pipe that nobody reads would fill up)
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,  # so that what it starts can be ended with it
        )
        self._greeting, _ = self._exchange(None, {})

    def _exchange(self, header: dict[str, Any] | None, arrays: dict[str, np.ndarray]) -> Message:
        """Sends `header`, if there is one, and reads one message."""
        process, late = self._process, threading.Event()
        assert process and process.stdin and process.stdout, "it was started with pipes"

        def end() -> None:
            late.set()
            _kill(process)

        timer = threading.Timer(self._limit, end)
        timer.start()
        try:
            if header is not None:
                worker.send(process.stdin, header, **arrays)
            return worker.receive(process.stdout)
        except BaseException as error:  # an interrupt too: the answer still to come answers nothing else
            words = self.close()
            if not isinstance(error, (OSError, EOFError)):
                raise
            what = f"did not answer within {self._limit:g} s" if late.is_set() else f"ended: {error}"
            raise ProcessDied(f"{' '.join(self._command)} {what}. The last it wrote: {words}") from error
        finally:
            timer.cancel()


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
