"""Why an offer is a find, or why not: by its id or link, under an alert, and beside a find of a scan."""

from __future__ import annotations

import re

import pytest

from tests.bot.shelf import REDLINE
from tests.bot.support import ANNA, BORIS, text_of
from tests.bot.test_levels import ALERT, bot, cut

LINK = "https://dmarket.com/ingame-items/item-list/csgo-skins?ref=1&userOfferId="


def lines(message) -> list[str]:
    return text_of(message).replace("\u00a0", " ").split("\n")


async def test_a_dropped_offer_is_told_the_stage_at_which_it_is_dropped_and_why(street, shelf):
    offer_id = shelf.world.offer_id(shelf.add(210))
    async with bot(street):
        anna = street.chat()
        told = lines(await anna.ask(f"/why {LINK}{offer_id} boost {REDLINE}", re.escape(REDLINE)))
        assert told[:4] == [
            f"{REDLINE} · CS2 boost",
            "Sandbox: items and prices are invented",
            "",
            "No find: the profit is below the level's window (the level wants 1 to 5%)",
        ]
        assert told[4] == "Listed: the cheapest of its kind, $2.10"
        assert told[5] == "Quoted: best bid $2.16 of 99 pieces, which pays for a price up to $2.02, best ask $2.10 of 2 offers"
        assert told[6] == "Checked: 1 of 1 order takes it, the best at $2.16; no sales in 30 days; next ask $3.00"
        assert told[7] == "Found, dropped here: the profit is below the level's window (the level wants 1 to 5%)"
        assert told[9] == "sold at once to a buy order: $2.16 less fee $0.11 leaves -$0.05 · -2.38%"
        assert "Careful: few sales" in told


async def test_a_find_is_told_how_it_got_there_in_the_language_of_who_asked(street, shelf):
    offer_id = shelf.world.offer_id(shelf.add(200))
    async with bot(street, ANNA, BORIS):
        anna, boris = street.chat(), street.chat(BORIS)
        told = lines(await anna.ask(f"/why {offer_id} csgo boost {REDLINE}", "^AK"))
        assert told[3] == "A find: $0.05 · 2.50%"
        assert told[7] == "Found: sold at once to a buy order for $2.16 leaves $0.05 · 2.50%"
        assert any("confidence not yet known" in line for line in told)
        russian = lines(await boris.ask(f"/why {offer_id} csgo boost {REDLINE}", "^AK"))
        assert russian[3] == "Находка: $0.05 · 2.50%"
        assert russian[7] == "Найдено: сразу в ордер на покупку за $2.16, останется $0.05 · 2.50%"


async def test_an_offer_that_a_scan_or_a_watch_told_of_needs_no_title_and_the_level_is_found(street, shelf):
    offer_id = shelf.world.offer_id(shelf.add(200))
    async with bot(street) as running:
        anna = street.chat()
        await anna.scan("csgo boost")
        await running.desk.app.journal.flush()
        told = lines(await anna.ask(f"/why {offer_id}", "^AK"))
        assert (told[0], told[3]) == (f"{REDLINE} · CS2 boost", "A find: $0.05 · 2.50%")
        told = lines(await anna.ask(f"/why {offer_id} standard", "^AK"))
        assert (told[0], told[3]) == (f"{REDLINE} · CS2 standard", "No find: its price is outside the level's window")
        assert told[4:6] == ["Listed: the cheapest of its kind, $2.00", "Quoted, dropped here: its price is outside the level's window"]
        assert told[6].startswith("Checked, not reached: 1 of 1 order takes it")


async def test_an_offer_that_is_gone_is_said_to_be(street, shelf):
    offer = shelf.add(200)
    offer_id = shelf.world.offer_id(offer)
    async with bot(street):
        anna = street.chat()
        await anna.ask("/watch csgo boost")
        message = await anna.sees(ALERT)
        await anna.answered(anna.press(message, "Why"))
        why = await anna.sees("A find: ")
        shelf.world.drop(offer)
        await anna.sees("^Gone")
        told = lines(await anna.ask(f"/why {offer_id}", "^AK"))
        assert told[3:] == ["No find: it is not listed under this id: sold, taken back, repriced, or P2P"]
        assert why.message_id != message.message_id


async def test_why_beside_a_find_of_a_scan_looks_again_and_says_what_has_become_of_it(street, shelf):
    offer = shelf.add(200)
    async with bot(street):
        anna = street.chat()
        page = await anna.scan("csgo boost")
        await anna.answered(anna.press(page, "Why"))
        told = lines(await anna.sees("Looked at again"))
        assert told[told.index("Looked at again just now") + 1] == "A find: $0.05 · 2.50%"
        assert any(line.startswith("worst case $0.05") for line in told)
        assert "What else that scan saw" in told
        shelf.reprice(offer, 210)
        await anna.answered(anna.press(page, "Why"))
        told = lines(await anna.sees("Looked at again"))
        assert told[told.index("Looked at again just now") + 1].startswith("No find: the profit is below")
        cut(street, away=True)
        await anna.answered(anna.press(page, "Why"))
        told = lines(await anna.sees("DMarket does not answer, so it could not be looked at again."))
        assert "Evidence" in told


@pytest.mark.parametrize("words", ["0000-unknown", f"{LINK}0000-unknown csgo boost"])
async def test_an_offer_that_nobody_has_seen_needs_its_title(street, words):
    async with bot(street):
        said = text_of(await street.chat().ask(f"/why {words}"))
        assert said.startswith("I have not seen this offer yet. Write its exact title after it: /why 0000-unknown AK-47")


async def test_a_market_that_does_not_answer_is_said_and_nothing_is_made_up(street, shelf):
    offer_id = shelf.world.offer_id(shelf.add(200))
    async with bot(street):
        cut(street, away=True)
        assert "DMarket" in text_of(await street.chat().ask(f"/why {offer_id} csgo boost {REDLINE}", "DMarket"))


async def test_the_buttons_of_an_alert_that_is_forgotten_say_so(street, shelf):
    shelf.add(200)
    async with bot(street) as running:
        anna = street.chat()
        await anna.ask("/watch csgo boost")
        message = await anna.sees(ALERT)
        await running.desk.app.alerts("bot").prune(running.desk.app.client.now() + 9)
        for button in ("Why", "Mute"):
            assert await anna.answered(anna.press(message, button)) == "This button is too old to work. Please ask anew."
