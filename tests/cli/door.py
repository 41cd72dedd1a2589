"""Runs ``python -m botcore`` with an environment of its own, on pipes or on a terminal, and sees to it that no secret gets out."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from contextlib import suppress
from pathlib import Path
from typing import IO

DEADLINE = 60
Outlet = int | IO[str] | None
ESCAPES = re.compile(r"\x1b\][^\x1b\x07]*(?:\x1b\\|\x07)|\x1b\[[0-9;?]*[A-Za-z]")


def clean_environment(**more: str) -> dict[str, str]:
    """This process's environment without anything that botcore or rich would listen to."""
    ours = ("DMARKET_", "TELEGRAM_", "BOTCORE_", "REDIS_URL", "DATABASE_URL", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TERM", "COLORTERM", "PYTEST")
    return {**{name: value for name, value in os.environ.items() if not name.startswith(ours)}, "PYTHONDONTWRITEBYTECODE": "1", **more}


class Door:
    """``door("scan", "--json")`` runs a command to its end; ``door.terminal(...)`` runs one that can be watched and typed at."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.folder = folder
        self.settings = settings

    def __call__(self, *arguments: str, stdout: Outlet = subprocess.PIPE, before=None, **settings: str) -> subprocess.CompletedProcess[str]:
        environment = clean_environment(**{**self.settings, **settings})
        command = [sys.executable, "-m", "botcore", *arguments]
        done = subprocess.run(
            command,
            stdout=stdout,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            env=environment,
            cwd=self.folder,
            timeout=DEADLINE,
            preexec_fn=before,
            check=False,
        )
        assert "Traceback" not in done.stderr
        check_secret(f"{done.stdout}{done.stderr}", environment)
        return done

    def terminal(self, *arguments: str, columns: int = 100, stdout: Outlet = None, **settings: str) -> Terminal:
        """The command on a terminal of so many columns."""
        environment = clean_environment(**{**self.settings, "TERM": "xterm-256color", **settings})
        return Terminal([sys.executable, "-m", "botcore", *arguments], environment, self.folder, columns, stdout)


class Terminal:
    """A command on a pseudo-terminal; with ``stdout`` only its progress."""

    def __init__(self, command: list[str], environment: dict[str, str], folder: Path, columns: int, stdout: Outlet) -> None:
        self.environment = environment
        self.seen = ""
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        outlet = slave if stdout is None else stdout

        def login() -> None:
            """Ctrl-C reaches the session whose terminal this is."""
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=outlet,
            stderr=slave,
            env=environment,
            cwd=folder,
            preexec_fn=login,  # noqa: PLW1509 - nothing else gives the child a terminal of its own
        )
        os.close(slave)

    @property
    def text(self) -> str:
        """What was written so far, without escape codes."""
        return ESCAPES.sub("", self.seen)

    def read(self) -> bool:
        """Take what is there, or wait for it; False when the terminal was left."""
        with suppress(OSError):
            data = os.read(self.master, 65536)
            self.seen += data.decode(errors="replace")
            return bool(data)
        return False

    def until(self, pattern: str) -> None:
        """Read until the pattern appears."""
        while not re.search(pattern, self.text):
            assert self.read(), f"{pattern!r} never came: {self.text}"

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self.master, keys.encode())

    def end(self) -> int:
        """Read to the end and give the exit code."""
        while self.read():
            pass
        code = self.process.wait(DEADLINE)
        os.close(self.master)
        assert "Traceback" not in self.text
        check_secret(self.seen, self.environment)
        return code


def door_to(market: dict[str, str], folder: Path) -> Door:
    """A door to this market, with its keys and with quotas wide open."""
    keys = {f"DMARKET_{name.upper()}": market[name] for name in ("url", "public_key", "secret_key")}
    return Door(folder, {**keys, **{f"BOTCORE_QUOTA_{name}": "900" for name in ("MARKET", "SALES", "OTHER")}})


def check_secret(text: str, environment: dict[str, str]) -> None:
    """Neither the secret key nor its seed may be anywhere."""
    secret = environment.get("DMARKET_SECRET_KEY", "")
    if len(secret) >= 32:
        assert secret[:32].lower() not in text.lower()
