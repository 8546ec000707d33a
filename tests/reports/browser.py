"""Chromium without a window, spoken to through two pipes in its DevTools protocol."""

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
OPTIONS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --remote-debugging-pipe"
).split()


def executable() -> str | None:
    """Where a Chromium is, if there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


PATIENCE = 120
"""Seconds without a word from the browser after which it is given up."""


class Browser:
    """One page of a Chromium. `requests`: every address that it asked for since it was opened."""

    def __init__(self, commands: int, answers: int):
        self._commands, self._answers, self._unread = commands, answers, b""
        self._count, self._session = 0, None
        self.requests: list[str] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime"):
            self._call(f"{domain}.enable")

    def open(self, page: Path, width: int, *, dark: bool = False, javascript: bool = True) -> None:
        """Loads the file in a window of that many CSS pixels."""
        self.requests.clear()
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **metrics)
        self._call("Emulation.setEmulatedMedia", features=scheme)
        self._call("Emulation.setScriptExecutionDisabled", value=not javascript)
        self._call("Page.navigate", url=page.resolve().as_uri())
        while self._receive().get("method") != "Page.loadEventFired":
            pass

    def ask(self, expression: str):
        """The value of a JavaScript expression in the page."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """One key, pressed and released."""
        code = {"Tab": 9, "Enter": 13}[key]
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self._call(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text
            )

    def screenshot(self, path: Path, top: float, width: int, height: int) -> None:
        """Writes a part of the page as PNG."""
        clip = {"x": 0, "y": top, "width": width, "height": height, "scale": 1}
        answer = self._call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(answer["data"]))

    def _call(self, method: str, **parameters):
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        message |= {"sessionId": self._session} if self._session else {}
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._count:
                assert "error" not in answer, answer
                return answer["result"]

    def _receive(self) -> dict:
        while b"\0" not in self._unread:
            ready, *_ = select.select([self._answers], [], [], PATIENCE)
            assert ready, f"no answer from the browser in {PATIENCE} s"
            chunk = os.read(self._answers, 2**16)
            assert chunk, "the browser ended"
            self._unread += chunk
        text, _, self._unread = self._unread.partition(b"\0")
        message = json.loads(text)
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(message["params"]["request"]["url"])
        return message


@contextlib.contextmanager
def started(profile: Path) -> Iterator[Browser]:
    """A Chromium with an empty profile, ended afterwards."""
    (command_out, command_in), (answer_out, answer_in) = os.pipe(), os.pipe()

    def connect():
        # The protocol is read from descriptor 3 and written to 4; copies first, lest one lands on the other.
        source, sink = os.dup(command_out), os.dup(answer_in)
        spare = [os.dup(source), os.dup(sink)]
        while min(spare) <= 4:
            spare = [os.dup(descriptor) for descriptor in spare]
        os.dup2(spare[0], 3)
        os.dup2(spare[1], 4)

    command = [executable(), *OPTIONS, f"--user-data-dir={profile}"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, preexec_fn=connect, pass_fds=(3, 4), **quiet)
    os.close(command_out)
    os.close(answer_in)
    try:
        yield Browser(command_in, answer_out)
    finally:
        process.kill()
        process.wait()
        os.close(command_in)
