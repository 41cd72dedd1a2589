"""Which Chromium the tests of the chat page drive, and how it gets onto a Debian machine.

``python -m tests.browser`` runs before the tests. It installs what is missing where it may, and never fails them: without a
browser they are skipped, and say so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

__all__ = ["LAUNCH", "chromium", "missing"]

LAUNCH = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""How it is started: it draws into memory, and speaks to nobody but the page under test."""

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
_PLACES = (
    "/usr/lib/chromium/chromium",
    "/snap/bin/chromium",
    "/opt/google/chrome/chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
_APT_SECONDS = 900.0


def chromium() -> str | None:
    """The path of a Chromium or Chrome: the first on the PATH, else in a usual place, else None."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    return found or next((place for place in _PLACES if os.access(place, os.X_OK)), None)


def missing() -> str:
    """Why there is nothing to drive, and what to do about it: the reason of a skipped test."""
    return "no Chromium: none of " + ", ".join(_NAMES) + " is on the PATH; on Debian: apt-get install chromium"


def _install() -> str:
    """Install Debian's package; what is to be said about it, empty when all went well."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("apt-get"):
        return missing()
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-qq", "-y", "--no-install-recommends", "chromium"]):
        try:
            subprocess.run(command, check=True, env=quiet, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_APT_SECONDS)
        except subprocess.CalledProcessError as error:
            said = (error.stderr or error.stdout or "").strip().splitlines() or [f"exit code {error.returncode}"]
            return f"no Chromium: {' '.join(command)} failed: {said[-1]}"
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"no Chromium: {' '.join(command)} failed: {error}"
    return "" if chromium() else missing()


def main() -> None:
    """Install a Chromium when there is none. One line on standard error when that fails; the exit code stays 0."""
    if chromium() is None and (said := _install()):
        print(said, file=sys.stderr)  # noqa: T201 - the word of a command


if __name__ == "__main__":
    main()
