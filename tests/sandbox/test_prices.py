"""Worlds built around a list of real titles and prices."""

from __future__ import annotations

import json

import pytest

from botcore.errors import SandboxError
from botcore.model import Game
from botcore.sandbox import grow_world

REDLINE, FARLOW = "AK-47 | Redline (Field-Tested)", "1st Lieutenant Farlow | SWAT"
ROWS = [
    {
        "item_name": REDLINE,
        "game": "csgo",
        "price_usd": 35.5,
        "suggested_price_usd": 33.21,
        "trade_lock_hours": 30,
        "float_value": 0.2503,
    },
    {
        "item_name": REDLINE,
        "game": "csgo",
        "price_usd": 9999.0,
        "suggested_price_usd": 33.21,
        "trade_lock_hours": 0,
        "float_value": None,
    },
    {"item_name": FARLOW, "game": "csgo", "price_usd": 12.1, "suggested_price_usd": 0.0},
    {"item_name": "Glory AK47", "game": "rust", "price_usd": 4.03, "suggested_price_usd": 5},
    {"item_name": "Some Unknown Thing", "game": "tf2", "price_usd": 1.05},
    {"item_name": "Golden Whatever", "game": "dota2", "price_usd": 7},
]


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return str(path)


def prices(world, game, name):
    return sorted(offer.price for offer in world.games[game].offers_of(world.games[game].titles[name]))


@pytest.mark.parametrize("wrapped", [True, False])
def test_json_with_every_row_as_it_is(tmp_path, wrapped):
    path = write(tmp_path / "list.json", json.dumps({"metadata": {}, "prices": ROWS} if wrapped else ROWS))
    world = grow_world(1, 0, prices=path, clock=lambda: 1_790_000_000.0)
    titles = world.games[Game.CSGO].titles
    assert set(titles) == {REDLINE, FARLOW}
    redline = titles[REDLINE]
    assert {3550, 999_900} <= set(prices(world, Game.CSGO, redline.name)), "a joke price stays"
    assert (redline.reference, titles[FARLOW].reference) == (3321, 0)
    offer = next(o for o in world.games[Game.CSGO].offers_of(redline) if o.price == 3550)
    assert (offer.item.wear, offer.item.unlock) == (0.2503, 1_790_000_000 + 30 * 3600)
    assert 403 in prices(world, Game.RUST, "Glory AK47")


def test_csv_with_few_columns_and_more_offers_around(tmp_path):
    path = write(tmp_path / "list.csv", 'title,game,price\n"Sticker | Crown, ""Foil""",cs2,12.345\nGlory AK47,rust,4\n')
    world = grow_world(1, 400, prices=path)
    assert 1235 in prices(world, Game.CSGO, 'Sticker | Crown, "Foil"')
    assert len(world.games[Game.CSGO].offers) > 100
    assert not world.games[Game.TF2].titles


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.json", "{", "no price list"),
        ("a.json", '{"items": []}', "no price list"),
        ("a.json", "[]", "lists no prices"),
        ("a.json", '[{"item_name": "A", "game": "chess", "price_usd": 1}]', "unknown game"),
        ("a.json", '[{"item_name": "A", "game": "rust"}]', "row 1"),
        ("a.json", '[{"game": "rust", "price_usd": 1}]', "row 1"),
        ("a.csv", "title,game,price\nA,rust,cheap\n", "the price is no number"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, name, text, said):
    with pytest.raises(SandboxError, match=said):
        grow_world(1, 100, prices=write(tmp_path / name, text))


def test_a_missing_file_is_named():
    with pytest.raises(SandboxError, match="cannot read"):
        grow_world(1, 100, prices="/no/such/file.json")
