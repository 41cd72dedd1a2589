"""Single titles: prices with a picture, watching, muting, and titles that were made to break a message."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

import pytest

from botcore.bot import presses
from botcore.bot.presses import unpack
from botcore.model import Game, Level
from botcore.sandbox import World
from botcore.sandbox.goods import Sale
from botcore.sandbox.truth import true_opportunities
from tests.bot.support import ANNA, BORIS, DONE, Gate, data_of, labels_of, open_scene, text_of

if TYPE_CHECKING:
    from botcore.model import Opportunity
    from botcore.sandbox.telegram.objects import Message
    from tests.bot.support import Scene


def finds(scene: Scene, level: Level = Level.PRO, game: Game = Game.CSGO) -> list[Opportunity]:
    return true_opportunities(scene.market.world, game, level)


def picture(scene: Scene, message: Message) -> bytes:
    """The picture of a message, as Telegram was given it."""
    stored = scene.telegram.telegram.files.by_id(message.photo[-1].file_id)
    assert stored is not None
    return stored.data


def check_png(data: bytes) -> None:
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == (1080, 600)
    assert len(data) > 10_000


# ---- prices ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spelling", [str, str.upper, lambda title: f"  {title.replace(' ', '   ')}  "])
async def test_price_tells_what_the_market_asks_and_pays_with_a_picture(scene, spelling):
    """The spelling may differ in case and blanks once the title was seen."""
    async with scene.bot() as running:
        anna = scene.chat()
        await anna.scan("csgo pro")
        await running.desk.app.journal.flush()
        title = scene.market.world.games[Game.CSGO].titles[max(finds(scene), key=lambda found: found.phase).title]
        quote = (await running.desk.app.client.quotes(Game.CSGO, [title.name]))[title.name]
        message = await anna.ask(f"/price {spelling(title.name)}", re.escape(title.name))
        check_png(picture(scene, message))
        words = text_of(message)
        assert words.startswith(f"{title.name} · CS2\nSandbox: items and prices are invented\n")
        assert f"Best ask: ${quote.best_ask_cents / 100:,.2f} ({quote.ask_count} offers)" in words
        assert f"Best buy order: ${quote.best_bid_cents / 100:,.2f} ({quote.bid_count} orders)" in words
        recent = [sale for sale in title.sales if sale.sold_at >= running.desk.app.client.now() - 30 * 86_400]
        prices = sorted(sale.price for sale in recent)
        assert re.search(rf"30\sdays: {len(prices)} sales?, median {re.escape(f'${prices[(len(prices) - 1) // 2] / 100:,.2f}')}", words)
        assert ("All phases together" in words) is (len({sale.phase for sale in recent}) > 1)
        assert f"Last sale: ${title.sales[0].price / 100:,.2f}, " in words


async def test_the_caption_of_a_price_is_in_the_language_of_who_asked(scene):
    async with scene.bot(allowed=(BORIS,)):
        message = await scene.chat(BORIS).ask(f"/price {finds(scene)[0].title}", "Лучшая цена: ")
        check_png(picture(scene, message))


async def test_a_title_that_was_never_seen_is_asked_of_the_market_in_every_game(scene):
    """The chat's own game is CS2."""
    async with scene.bot():
        anna = scene.chat()
        for game, name in ((Game.CSGO, "CS2"), (Game.TF2, "TF2"), (Game.DOTA2, "Dota 2"), (Game.RUST, "Rust")):
            title = finds(scene, Level.BOOST, game)[0].title
            message = await anna.ask(f"/price {title}", re.escape(title))
            assert text_of(message).startswith(f"{title} · {name}\n")
            check_png(picture(scene, message))


async def test_near_titles_are_suggested_and_their_buttons_show_the_price(scene):
    async with scene.bot() as running:
        anna = scene.chat()
        await anna.scan("csgo pro")
        await running.desk.app.journal.flush()
        title = finds(scene)[0].title
        for words in (title.rpartition(" (")[0], title.replace("Knife", "Knive"), title.partition(" ")[2].lower()):
            near = await anna.ask(f"/price {words}", "^I know nothing of")
            assert text_of(near) == f"I know nothing of “{words}”.\nDid you mean one of these?"
            assert 1 <= len(labels_of(near)) <= 5
            assert title[:30] in "\n".join(labels_of(near))
        pressed = re.escape(title[:30])
        assert await anna.answered(anna.press(near, pressed)) == ""
        message = await anna.sees(re.escape(title))
        check_png(picture(scene, message))


async def test_where_nothing_is_near_the_exact_name_is_asked_for(scene):
    async with scene.bot():
        message = await scene.chat().ask("/price zzzzzzzzzz")
        assert text_of(message).startswith("I know nothing of “zzzzzzzzzz”.\nI need the exact Steam market name")
        assert labels_of(message) == []


async def test_the_button_of_a_title_that_nobody_knows_any_more_says_so(scene):
    async with scene.bot():
        anna = scene.chat()
        start = await anna.ask("/start")
        words = presses.pack(presses.Price(presses.name_of(Game.CSGO, "nothing of that name")))
        assert await anna.answered(anna.send_press(start.message_id, words, forged=True)) == "This button is too old to work. Please ask anew."


# ---- muting ------------------------------------------------------------------------------------------------------------


async def test_mute_hides_a_title_in_the_pages_at_once_and_unmute_shows_it_again(scene):
    async with scene.bot():
        anna = scene.chat()
        page = await anna.scan("csgo pro")
        first = finds(scene)[0].title
        hidden = [found for found in finds(scene) if found.title == first]
        press = anna.press(page, "Mute")
        assert await anna.answered(press) == f"Muted: {first}. /unmute shows it again."
        page = await anna.sees(DONE)
        assert f"Muted and not shown: {len(hidden)}" in text_of(page)
        assert first not in text_of(page)
        assert text_of(page).startswith(f"CS2 pro: {6 - len(hidden)} found")
        listed = await anna.ask("/unmute", "^1 title is muted here\n")
        assert f"1. {first} · CS2" in text_of(listed)
        assert await anna.answered(anna.press(listed, "Unmute 1")) == f"Shown again: {first}."
        assert text_of(await anna.sees("^Nothing is muted")).startswith("Nothing is muted here")
        assert text_of(await anna.scan("csgo pro")).startswith("CS2 pro: 6 found")


async def test_what_is_muted_is_hidden_while_a_scan_runs(scene):
    async with scene.bot(BOTCORE_SCAN_CONCURRENCY="1"):
        anna = scene.chat()
        for title in {found.title for found in finds(scene)}:
            await anna.ask(f"/mute {title}", "^Muted")
        gate = scene.between.hold = Gate("listing")
        await anna.ask("/scan csgo pro", "looking")
        gate.open()
        done = await anna.sees(DONE)
        assert "All that was found is muted here." in text_of(done)
        live = [text_of(one.message) for one in anna.events(anna.did) if one.message]
        assert not any("Newest finds" in words for words in live)
        assert labels_of(done) == ["Scan again"]


async def test_a_title_is_muted_in_its_chat_and_game_alone(scene):
    async with scene.bot(allowed=(ANNA, BORIS)):
        anna, boris = scene.chat(), scene.chat(BORIS)
        title = finds(scene)[0].title
        await anna.ask(f"/mute {title}", "^Muted")
        assert title in text_of(await boris.scan("csgo pro"))
        assert title not in text_of(await anna.scan("csgo pro"))


async def test_mute_and_unmute_by_words_take_any_case(scene):
    async with scene.bot() as running:
        anna = scene.chat()
        title = finds(scene)[0].title
        await anna.ask(f"/mute {title}", "^Muted")
        await anna.ask(f"/mute {title}", "^Muted")
        assert await running.desk.chats.mutes(ANNA) == [(Game.CSGO, title)]
        assert text_of(await anna.ask(f"/unmute {title.lower()}")) == f"Shown again: {title}."
        assert text_of(await anna.ask(f"/unmute {title}")) == f"{title} is not muted here; /unmute lists what is."


async def test_an_unknown_title_is_not_muted_but_near_ones_are_told(scene):
    async with scene.bot() as running:
        anna = scene.chat()
        await anna.scan("csgo pro")
        await running.desk.app.journal.flush()
        assert "Did you mean one of these?" in text_of(await anna.ask(f"/mute {finds(scene)[0].title[:-3]}"))
        assert await running.desk.chats.mutes(ANNA) == []


# ---- watching ----------------------------------------------------------------------------------------------------------


async def test_a_find_is_watched_by_its_button_and_listed_and_let_go(scene):
    async with scene.bot() as running:
        anna = scene.chat()
        page = await anna.scan("csgo pro")
        first = finds(scene)[0].title
        assert await anna.answered(anna.press(page, "Watch")) == f"Watching {first} (CS2 pro). /watch lists all."
        assert await anna.answered(anna.press(page, "Watch")) == f"Watching {first} (CS2 pro). /watch lists all."
        (watch,) = await running.desk.chats.watches(ANNA)
        assert watch.known == {found.offer_id: found.price_cents for found in finds(scene) if found.title == first}
        listed = await anna.ask("/watch", "^You watch 1 title\n")
        assert f"1. {first} · CS2 pro" in text_of(listed)
        assert await anna.answered(anna.press(listed, "^Stop 1")) == f"No longer watching {first}."
        assert (await anna.sees("^You watch nothing")).message_id == listed.message_id
        assert await anna.answered(anna.send_press(listed.message_id, data_of(listed, "^Stop 1"), forged=True)) == (
            "This button is too old to work. Please ask anew."
        )


async def test_watch_by_words_takes_the_level_of_the_chat(scene):
    async with scene.bot() as running:
        anna = scene.chat()
        await anna.ask("/level boost", "^Set")
        title = finds(scene)[0].title
        assert text_of(await anna.ask(f"/watch {title}")) == f"Watching {title} (CS2 boost). /watch lists all."
        assert [(one.game, one.level, one.title) for one in await running.desk.chats.watches(ANNA)] == [(Game.CSGO, Level.BOOST, title)]


async def test_at_most_so_many_titles_are_watched(scene):
    """One that is watched already takes no further room."""
    async with scene.bot(BOTCORE_BOT_WATCHES="2") as running:
        anna = scene.chat()
        one, two, three = list(scene.market.world.games[Game.CSGO].titles)[:3]
        await anna.ask(f"/watch {one}", "^Watching ")
        await anna.ask(f"/watch {two}", "^Watching ")
        assert text_of(await anna.ask(f"/watch {three}", "^You watch")) == "You watch 2 titles, which is the most; stop one first: /watch"
        await anna.ask(f"/watch {one}", "^Watching ")
        page = await anna.scan("csgo pro")
        assert await anna.answered(anna.press(page, "Watch")) == "You watch 2 titles, which is the most; stop one first: /watch"
        assert [watch.title for watch in await running.desk.chats.watches(ANNA)] == [one, two]
        anna.press(await anna.ask("/watch", "^You watch 2 titles\n"), "^Stop 1")
        await anna.sees("^You watch 1 title\n")
        await anna.ask(f"/watch {three}", "^Watching ")


# ---- titles that were made to break a message --------------------------------------------------------------------------

HOSTILE = {
    "HTML": "<b>AK</b> & <script>alert(\"1\")</script> </code> &lt; 'x'",
    "Hebrew": "חרב עתיקה (נדיר)",
    "Arabic": "سيف قديم | نادر",
    "turned around": "\u202eesrever\u202c \u2067x",
    "emoji": "👨‍👩‍👧 Case 🇫🇷 ❤️",
    "Chinese": "龍王 | 音樂盒",
    "lines": "one\ntwo\n\nthree\ttabs",
    "invisible": "\u200bAK\u200b-47\ufeff \u00ad",
    "nothing to see": "\u200b\u200b",
    "templates": "{title} {0} %s %(x)d \\ `_*[x](https://example.com)",
    "mathematics": "$\\frac{1}{2}$ $x",
    "quotes": "'; DROP TABLE chats; --",
    "long": "Endless " + "x" * 5_000,
}


def sell(world: World, name: str) -> None:
    """An offer of a title that brings 5 cents when it is sold again, and sales to show it."""
    title = world.add_title(Game.CSGO, name, 216, traits={"wear_range": (0.15, 0.38)})
    world.add_offer(title, 200, wear=0.2, seed=7)
    world.add_offer(title, 300, wear=0.3, seed=8)
    for days in range(1, 7):
        world.add_sale(title, Sale(int(world.clock()) - days * 86_400, 216))


def cheaper(world: World, name: str) -> None:
    """The cheapest offer of a title goes, and one of a cent less comes."""
    title = world.games[Game.CSGO].titles[name]
    offer = min(world.games[Game.CSGO].offers_of(title), key=lambda one: one.price)
    world.drop(offer)
    world.add_offer(title, offer.price - 1, wear=0.2, seed=7)


@pytest.fixture
async def awful(tmp_path, request):
    """A scene whose market sells one title of an awful name."""
    world = World(1)
    sell(world, HOSTILE[request.param])
    async with open_scene(tmp_path, world=world) as scene:
        yield scene


@pytest.mark.parametrize("awful", HOSTILE, indirect=True)
async def test_a_title_of_any_kind_is_shown_as_text_wherever_it_comes_up(awful):
    (found,) = finds(awful, Level.BOOST)
    async with awful.bot(BOTCORE_BOT_WATCH="0.05") as running:
        anna = awful.chat()
        page = await anna.scan("csgo boost")
        assert text_of(page).startswith("CS2 boost: 1 found")
        anna.press(page, "Why")
        await anna.sees("exit price")
        assert (await anna.answered(anna.press(page, "Watch"))).startswith("Watching ")
        await anna.ask("/watch", "^You watch 1 title")
        cheaper(awful.market.world, found.title)
        alert = await anna.sees("You watch this title")
        assert await anna.answered(anna.press(alert, "Stop watching")) != ""
        assert (await anna.answered(anna.press(page, "Mute"))).startswith("Muted: ")
        await anna.sees("All that was found is muted here")
        listed = await anna.ask("/mute", "^1 title is muted here")
        assert isinstance(unpack(data_of(listed, "Unmute 1")), presses.Unmute)
        await anna.answered(anna.press(listed, "Unmute 1"))
        await running.desk.app.journal.flush()
        await anna.ask("/top", "best finds of the last day")
        words = presses.pack(presses.Price(presses.name_of(Game.CSGO, found.title)))
        await anna.answered(anna.send_press(page.message_id, words, forged=True))
        check_png(picture(awful, await anna.sees("^(?s:.*)CS2\nSandbox(?s:.*)Best ask")))
        assert running.desk.outbox.counts.spoiled == 0
        allowed = {"bold", "italic", "code", "text_link", "bot_command", "url", "mention", "hashtag", "cashtag"}
        assert {entity.type for one in anna.messages for entity in one.entities} <= allowed
        assert all(
            entity.url == found.url for one in anna.messages for entity in one.entities if entity.type == "text_link" and "userOfferId" in (entity.url or "")
        )


@pytest.mark.parametrize("awful", ["HTML", "templates", "quotes"], indirect=True)
async def test_markup_in_a_title_arrives_letter_by_letter(awful):
    (found,) = finds(awful, Level.BOOST)
    async with awful.bot():
        anna = awful.chat()
        page = await anna.scan("csgo boost")
        name = found.title
        assert f"\n{name}\n" in text_of(page)
        anna.press(page, "Why")
        assert text_of(await anna.sees("exit price")).startswith(f"{name}\n")
        assert await anna.answered(anna.press(page, "Mute")) == f"Muted: {name}. /unmute shows it again."
