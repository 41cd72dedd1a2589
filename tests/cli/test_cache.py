"""``botcore cache`` and ``botcore warm``: what is remembered between commands."""

from __future__ import annotations

import json
import re

import pytest

from botcore.cache.embedded import EmbeddedServer


@pytest.fixture(scope="module")
def redis():
    with EmbeddedServer() as server:
        yield server


def test_lifetimes_are_told_without_redis(inside):
    out, err, code = inside("cache", "info", BOTCORE_CACHE_QUOTES="20")
    assert (err, code) == ("", 0)
    assert re.search(r"quotes +20 s +20 s", out)
    assert re.search(r"sales +600 s +3600 s", out)
    assert "REDIS_URL" in out


def test_a_redis_that_does_not_answer_is_said_without_its_password(inside):
    out, _, code = inside("cache", "info", REDIS_URL="redis://me:hidden-word@127.0.0.1:1/0")
    assert code == 0
    assert "does not answer" in out
    assert "hidden-word" not in out


def test_a_command_goes_on_from_what_another_one_warmed(door, redis):
    warmed = door("warm", "rust", "--level", "standard", "--titles", "500", REDIS_URL=redis.url)
    assert warmed.returncode == 0, warmed.stderr
    assert re.search(r"rust +fees +1\n", warmed.stdout)
    cold = json.loads(door("scan", "rust", "standard", "--json").stdout)
    warm = json.loads(door("scan", "rust", "standard", "--json", REDIS_URL=redis.url).stdout)
    assert warm["opportunities"] == cold["opportunities"]
    assert cold["report"]["requests"]["sales"] > warm["report"]["requests"]["sales"]
    assert warm["report"]["requests"]["fee"] == 0
    assert warm["report"]["cache"]["redis_hits"] > 0
    told = json.loads(door("cache", "info", "--json", REDIS_URL=redis.url).stdout)
    assert told["redis"]["reachable"]
    assert told["redis"]["sums"]["redis_hits"] >= warm["report"]["cache"]["redis_hits"]
    assert "hits" in door("cache", "info", REDIS_URL=redis.url).stdout


def test_what_was_cleared_is_asked_again(door, redis):
    first = json.loads(door("scan", "tf2", "--json", REDIS_URL=redis.url).stdout)["report"]
    assert door("cache", "clear", "tf2", REDIS_URL=redis.url).returncode == 0
    second = json.loads(door("scan", "tf2", "--json", REDIS_URL=redis.url).stdout)["report"]
    assert (first["requests"]["fee"], second["requests"]["fee"]) == (1, 1)
    assert second["cache"]["redis_hits"] == 0


@pytest.mark.parametrize(("arguments", "settings"), [(["cache", "clear"], {}), (["cache", "clear", "--title", "x"], {"REDIS_URL": "redis://127.0.0.1:1"})])
def test_clearing_says_what_it_needs(inside, market, arguments, settings):
    keys = {f"DMARKET_{name.upper()}": market[name] for name in ("url", "public_key", "secret_key")}
    _, err, code = inside(*arguments, **settings, **(keys if settings else {}))
    assert code == 2
    assert "REDIS_URL" in err or "game" in err


def test_clearing_a_redis_that_is_away_fails(inside, market):
    keys = {f"DMARKET_{name.upper()}": market[name] for name in ("url", "public_key", "secret_key")}
    _, err, code = inside("cache", "clear", REDIS_URL="redis://127.0.0.1:1", **keys)
    assert code == 1
    assert "nothing was forgotten" in err


def test_warming_without_keys_works_on_a_sandbox_and_says_that_it_ends(keyless):
    done = keyless("warm", "tf2", "--titles", "2")
    assert done.returncode == 0
    assert "ends with this command" in done.stderr
    assert re.search(r"tf2 +sales +2\n", done.stdout)
