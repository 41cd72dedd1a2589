"""``botcore config``."""

from __future__ import annotations

import re

import pytest

from botcore.settings import names
from botcore.tuned import LEARNED

SECRET = "5b" * 64


def rows(out: str) -> dict[str, list[str]]:
    return {line.split()[0]: re.split(r"  +", line.strip())[1:] for line in out.splitlines() if re.match(r"[A-Z]+_", line)}


def test_it_lists_every_setting_that_exists(inside):
    out, err, code = inside("config")
    assert (err, code) == ("", 0)
    assert list(rows(out)) == names()
    assert {row[-1] for row in rows(out).values()} == {"default"}
    assert {line.split()[0] for line in out.splitlines() if line.startswith("confidence.")} == set(LEARNED)
    assert "No DMarket keys" in out


def test_it_tells_where_a_value_comes_from_and_the_environment_goes_first(inside, tmp_path):
    (tmp_path / ".env").write_text("BOTCORE_QUOTA_MARKET=7\nBOTCORE_QUOTA_SALES=3\n")
    shown = rows(inside("config", BOTCORE_QUOTA_SALES="5")[0])
    assert shown["BOTCORE_QUOTA_MARKET"] == ["7", ".env"]
    assert shown["BOTCORE_QUOTA_SALES"] == ["5", "environment"]
    assert shown["BOTCORE_QUOTA_OTHER"] == ["20", "default"]


def test_the_secret_key_is_masked(inside, market):
    shown = rows(inside("config", DMARKET_PUBLIC_KEY=market["public_key"], DMARKET_SECRET_KEY=market["secret_key"])[0])
    assert shown["DMARKET_SECRET_KEY"] == ["set, not shown", "environment"]
    assert market["public_key"] not in str(shown)


@pytest.mark.parametrize("secret", [SECRET, SECRET[:64], SECRET[:80], SECRET.replace("5", "x"), SECRET.upper()])
def test_an_unusable_secret_is_never_repeated(inside, market, secret):
    _, err, code = inside("config", DMARKET_PUBLIC_KEY=market["public_key"], DMARKET_SECRET_KEY=secret)
    assert code == 2
    assert "secret key" in err
