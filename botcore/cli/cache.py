"""``botcore cache``: what is remembered, and forgetting it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from typing import Any

import click
import msgspec
from redis.exceptions import RedisError
from rich.console import Console
from rich.table import Table

from botcore.app import account
from botcore.cache.address import hide_password
from botcore.cache.connection import open_connection
from botcore.cache.policy import of_game, of_title, policies
from botcore.cache.redis_level import SUMS, RedisLevel
from botcore.errors import BotcoreError, ConfigError
from botcore.model import Game
from botcore.settings import Settings, load

__all__ = ["command"]

_COLUMNS = ("hits", "misses", "stale", "bytes", "evictions", "errors")


@click.group("cache", short_help="Show what the cache does, or empty it.")
def command() -> None:
    """The cache: memory in each process, and Redis between them when REDIS_URL is set."""


@command.command("info", short_help="Lifetimes, Redis, and what was hit and missed.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else on standard output.")
def info(*, as_json: bool) -> None:
    """Show how long each kind of answer lives, whether Redis is there, and what all processes hit and missed today."""
    settings = load()
    server = asyncio.run(_server(settings))
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(_document(settings, server)), indent=2).decode() + "\n")
    else:
        _print(settings, server)


@command.command("clear", short_help="Forget what is remembered, in every process.")
@click.argument("game", required=False)
@click.option("--title", default=None, help="Forget this title of GAME alone.")
def clear(game: str | None, *, title: str | None) -> None:
    """Forget what is remembered of your account on the market, or of GAME, or of one title, in Redis and in every running process.

    What counts requests against the quota stays.
    """
    settings = load()
    if not settings.redis_url or settings.keys is None:
        raise ConfigError("there is nothing to clear: without REDIS_URL and keys, what is remembered ends with its process")
    if title is not None and game is None:
        raise click.UsageError("a title belongs to a game: name the game as well")
    games = [Game.parse(game)] if game else list(Game)
    tags = [of_title(games[0], title)] if title is not None else [tag for one in games for tag in of_game(one)]
    asyncio.run(_clear(settings, account(settings.url, settings.keys), tags))
    click.echo(f"Forgot {title or ', '.join(games)}.")


async def _clear(settings: Settings, space: str, tags: list[str]) -> None:
    async with open_connection(settings.redis_url, settings.cache.timeout) as connection, RedisLevel(connection, space=space, options=settings.cache) as redis:
        if not redis.up:
            raise BotcoreError(f"Redis at {connection.shown} does not answer: nothing was forgotten; start it, or correct REDIS_URL")
        await redis.invalidate(tags)


class _Server(msgspec.Struct):
    """What a Redis says of itself, with the sums that the processes wrote down."""

    address: str
    reachable: bool
    error: str = ""
    version: str = ""
    memory_bytes: int = 0
    entries: int = 0
    sums: dict[str, int] = msgspec.field(default_factory=dict)


async def _server(settings: Settings) -> _Server | None:
    if not settings.redis_url:
        return None
    async with open_connection(settings.redis_url, settings.cache.timeout) as connection:
        server, redis = _Server(connection.shown, reachable=False), connection.commands
        try:
            told = await redis.info()
            sums: Mapping[Any, Any] = await redis.hgetall(SUMS)
            server.entries = await redis.dbsize()
        except (RedisError, OSError, TimeoutError) as error:
            server.error = hide_password(str(error))
            return server
    server.reachable = True
    server.version = f"{told.get('server_name', 'redis')} {told.get('valkey_version') or told.get('redis_version', '')}"
    server.memory_bytes = int(told.get("used_memory", 0))
    server.sums = {name.decode(): int(count) for name, count in sums.items()}
    return server


def _document(settings: Settings, server: _Server | None) -> dict[str, object]:
    lifetimes = {subject: {"fresh_seconds": one.fresh, "kept_seconds": one.kept} for subject, one in policies(settings.cache).items()}
    memory = {"most_bytes": settings.cache.memory_bytes, "most_entries": settings.cache.memory_entries}
    return {"lifetimes": lifetimes, "memory": memory, "redis": server}


def _print(settings: Settings, server: _Server | None) -> None:
    console = Console(highlight=False)
    table = Table("what", "fresh", "kept", box=None, pad_edge=False, header_style="bold")
    for subject, policy in policies(settings.cache).items():
        table.add_row(subject, f"{policy.fresh:g} s", f"{policy.kept:g} s")
    console.print(table)
    console.print(f"\nMemory   up to {settings.cache.memory_bytes / 2**20:.0f} MB in each process")
    if server is None:
        console.print("Redis    not used: set REDIS_URL, or REDIS_URL=embedded for a private one")
    elif not server.reachable:
        console.print(f"Redis    {server.address} does not answer: {server.error}", markup=False)
    else:
        console.print(f"Redis    {server.address}, {server.version}, {server.entries} keys, {server.memory_bytes / 2**20:.1f} MB", markup=False)
        _print_sums(console, server.sums)


def _print_sums(console: Console, sums: Mapping[str, int]) -> None:
    if not sums:
        console.print("\nNothing has been counted yet: run a scan.")
        return
    table = Table("level", *_COLUMNS, box=None, pad_edge=False, header_style="bold", title="All processes, since a day without any", title_justify="left")
    for level in ("memory", "redis"):
        table.add_row(level, *(f"{sums.get(f'{level}_{name}', 0):,}" for name in _COLUMNS))
    console.print()
    console.print(table)
    console.print(f"Asked of the market {sums.get('loads', 0):,}, shared by callers {sums.get('coalesced', 0):,}, renewed behind {sums.get('refreshed', 0):,}.")
