"""Scans in a chat: shown as they go, stopped, shared, remembered, and their results true to the market."""

from __future__ import annotations

import asyncio
import re
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from botcore.bot import presses
from botcore.model import Exit, Game, Level
from botcore.sandbox import MarketOptions, TelegramOptions
from botcore.sandbox.truth import true_opportunities
from tests.bot.support import ANNA, BORIS, DONE, TRADERS, Gate, buttons_of, data_of, labels_of, open_scene, text_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from botcore.bot.run import RunningBot
    from botcore.model import Opportunity
    from botcore.sandbox.telegram.objects import Message
    from tests.bot.support import Chat, Scene
    from tests.scan.support import Asked

WORDS = {"csgo": "CS2", "dota2": "Dota 2", "tf2": "TF2", "rust": "Rust"}


def truth(scene: Scene, game: Game, level: Level) -> list[Opportunity]:
    return true_opportunities(scene.market.world, game, level)


def offers_of(message: Message) -> list[str]:
    """The ids of the offers that a page's buttons open."""
    return [button["url"].rpartition("=")[2] for button in buttons_of(message) if "url" in button]


async def pages(chat: Chat, first: Message) -> AsyncIterator[Message]:
    """Every page of results, each come to by its button."""
    page = first
    count = int((re.findall(r"page 1 of (\d+)", text_of(first)) or ["1"])[0])
    yield first
    for number in range(2, count + 1):
        chat.press(page, rf"^{number}( »)?$")
        page = await chat.sees(rf"page {number} of {count}")
        yield page


def cents(text: str) -> int:
    """What an amount in a message is."""
    return round(float(text.replace("$", "").replace(",", "")) * 100)


class HeldAfterFinds(Gate):
    """Holds everything that goes to the market as soon as something was found, and for as long as it stays closed."""

    def __init__(self, running: RunningBot) -> None:
        super().__init__()
        self.views = running.desk.views

    async def __call__(self, asked: Asked) -> None:
        if any(scan.latest for scan in self.views._running.values()):
            await super().__call__(asked)


# ---- what was found ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("game", Game)
async def test_the_pages_of_every_level_hold_the_truth_of_the_market_in_its_order(scene, game):
    async with scene.bot():
        anna = scene.chat()
        for level in Level:
            true = truth(scene, game, level)
            assert true
            first = await anna.scan(f"{game} {level}")
            assert text_of(first).startswith(f"{WORDS[game]} {level}: {len(true)} found")
            shown = [page async for page in pages(anna, first)]
            assert [offer for page in shown for offer in offers_of(page)] == [found.offer_id for found in true]
            words = "\n".join(map(text_of, shown))
            gains = re.findall(r"^\d+\. (\$[0-9,.]+) · ([0-9.]+)%$", words, re.MULTILINE)
            assert [(cents(profit), float(percent)) for profit, percent in gains] == [(found.profit_cents, found.profit_percent) for found in true]
            routes = re.findall(r"^(\$[0-9,.]+) → (\$[0-9,.]+), ", words, re.MULTILINE)
            assert [(cents(buy), cents(sell)) for buy, sell in routes] == [(found.price_cents, found.exit_price_cents) for found in true]
            assert len(anna.messages) == 1 + list(Level).index(level)


@pytest.mark.parametrize("game", Game)
async def test_why_adds_up_to_the_cent_for_every_find_and_is_the_truth(scene, game):
    """Exit price - fee - buy price = profit, line by line, beside what the market itself knows."""
    async with scene.bot():
        anna = scene.chat()
        for level in (Level.BOOST, Level.STANDARD, Level.PRO):
            true = iter(truth(scene, game, level))
            async for page in pages(anna, await anna.scan(f"{game} {level}")):
                for press in [button["callback_data"] for button in buttons_of(page) if "Why" in button["text"]]:
                    anna.send_press(page.message_id, press)
                    words = text_of(await anna.sees("exit price"))
                    check_why(words, next(true))
            assert next(true, None) is None


def check_why(words: str, found: Opportunity) -> None:
    """The lines of the sum, and the evidence."""
    lines = {name: cents(amount) for amount, name in re.findall(r"^[-= ]? *(\$[0-9,.]+) +(exit price|fee|buy price|profit)\b", words, re.MULTILINE)}
    assert lines == {"exit price": found.exit_price_cents, "fee": found.fee_cents, "buy price": found.price_cents, "profit": found.profit_cents}
    assert lines["exit price"] - lines["fee"] - lines["buy price"] == lines["profit"]
    assert f"{found.profit_percent:.2f}%" in words
    assert words.startswith(found.title)
    assert ("at once, to the best buy order" in words) is (found.exit is Exit.TARGET)
    assert re.search(rf"\b{found.sales_30d} sales? in 30\sdays|no sales in 30\sdays", words)
    if found.median_cents is not None:
        assert f"median ${found.median_cents / 100:,.2f}" in words
    if found.next_ask_cents is not None:
        assert f"next ask ${found.next_ask_cents / 100:,.2f}" in words
    assert ("no trade lock" in words) is (found.trade_lock_days == 0)


async def test_why_tells_what_was_dropped_at_each_stage(scene):
    async with scene.bot() as running:
        anna = scene.chat()
        page = await anna.scan("csgo boost")
        anna.press(page, "Why")
        words = text_of(await anna.sees("exit price"))
        view = await running.desk.chats.latest(ANNA)
        funnel = view.report.funnel
        assert f"listed {funnel.listed} → quoted {funnel.quoted} → checked {funnel.checked} → found {funnel.found}" in words
        dropped = [int(count.replace(",", "")) for count in re.findall(r"^([0-9,]+) · ", words.partition("Left out")[2], re.MULTILINE)]
        assert sorted(dropped) == sorted(funnel.dropped.values())
        assert funnel.listed - sum(dropped) == funnel.found


async def test_why_is_one_message_for_each_find_however_often_it_is_asked_for(scene):
    async with scene.bot() as running:
        anna = scene.chat()
        page = await anna.scan("csgo boost")
        for _ in range(3):
            await anna.answered(anna.press(page, "Why"))
            await scene.settled(running)
        assert len(anna.messages) == 2


async def test_pages_turn_in_place_and_keep_their_order(scene):
    async with scene.bot() as running:
        anna = scene.chat()
        first = await anna.scan("csgo pro")
        _, second = [page async for page in pages(anna, first)]
        assert second.message_id == first.message_id
        assert len(offers_of(first)) == 4
        assert len(offers_of(second)) == 2
        anna.press(second, "^1$")
        again = await anna.sees("page 1 of 2")
        assert (text_of(again), again.reply_markup) == (text_of(first), first.reply_markup)
        await anna.answered(anna.send_press(first.message_id, presses.pack(presses.Page(1, 99)), forged=True))
        assert "page 2 of 2" in text_of(await anna.sees())
        await scene.settled(running)
        assert len(anna.messages) == 1


# ---- while it runs -----------------------------------------------------------------------------------------------------


async def test_a_scan_edits_one_message_at_most_once_a_second_and_no_limit_is_hit(tmp_path):
    market = MarketOptions(seed=5, size=8_000, latency=0.05, limits=False)
    async with (
        open_scene(tmp_path, market=market, telegram=TelegramOptions()) as scene,
        scene.bot(pace=None, BOTCORE_QUOTA_MARKET="8", BOTCORE_BOT_EDIT="1"),
    ):
        anna = scene.chat()
        await anna.scan("csgo boost")
        first, *edits = anna.events()
        assert (first.kind, {one.kind for one in edits}) == ("message", {"edit"})
        assert {one.message.message_id for one in (first, *edits) if one.message} == {first.message.message_id if first.message else 0}
        gaps = [after.at - before.at for before, after in pairwise(edits)]
        assert len(gaps) >= 2
        assert min(gaps) > 0.5  # a busy machine may send one late, and the next in time
        assert sum(gaps) > 0.95 * len(gaps)
        assert scene.telegram.telegram.tally.report()["refused"] == 0


async def test_finds_are_shown_as_they_come(scene):
    async with scene.bot(BOTCORE_SCAN_CONCURRENCY="1") as running:
        anna = scene.chat()
        gate = scene.between.hold = HeldAfterFinds(running)
        anna.write("/scan csgo boost")
        message = await anna.sees("Newest finds")
        assert running.desk.views.running(ANNA) is not None
        assert labels_of(message) == ["Stop"]
        known = {found.title: found for found in truth(scene, Game.CSGO, Level.BOOST)}
        shown = [title for title in known if title in text_of(message)]
        assert shown
        assert len(shown) < len(known)
        for title in shown:
            assert f"${known[title].profit_cents / 100:,.2f} · {known[title].profit_percent:.2f}% · buy for ${known[title].price_cents / 100:,.2f}" in text_of(
                message
            )
        gate.open()
        done = await anna.sees(DONE)
        assert done.message_id == message.message_id
        assert offers_of(done) == [found.offer_id for found in truth(scene, Game.CSGO, Level.BOOST)]


@pytest.mark.parametrize("way", ["button", "/cancel"])
async def test_a_stop_ends_the_scan_and_keeps_what_was_found(scene, way):
    async with scene.bot(BOTCORE_SCAN_CONCURRENCY="1") as running:
        anna = scene.chat()
        scene.between.hold = HeldAfterFinds(running)
        anna.write("/scan csgo boost")
        message = await anna.sees("Newest finds")
        if way == "button":
            assert await anna.answered(anna.press(message, "Stop")) == "Stopping. What was found stays."
        else:
            await anna.ask("/cancel", "^Stopping. What was found stays.$")
            anna.seen = anna.did
        done = await anna.sees(DONE)
        assert "Ended early: it was stopped" in text_of(done)
        true = [found.offer_id for found in truth(scene, Game.CSGO, Level.BOOST)]
        kept = offers_of(done)
        assert kept
        assert kept == [offer for offer in true if offer in kept]
        assert len(kept) < len(true)
        assert running.desk.views._running == {}
        asked = len(scene.between.log)
        scene.between.hold = lambda _: asyncio.sleep(0)
        await anna.ask("/cancel", "^Nothing is running here.$")
        assert len(scene.between.log) == asked


async def test_what_a_stopped_scan_left_is_not_remembered(scene):
    async with scene.bot(BOTCORE_SCAN_CONCURRENCY="1") as running:
        anna = scene.chat()
        gate = scene.between.hold = HeldAfterFinds(running)
        anna.write("/scan csgo boost")
        anna.press(await anna.sees("Newest finds"), "Stop")
        await anna.sees("Ended early")
        gate.open()
        assert len(offers_of(await anna.scan("csgo boost"))) == len(truth(scene, Game.CSGO, Level.BOOST))


async def test_the_words_after_scan_come_in_either_order_and_each_may_be_left_out(scene):
    async with scene.bot():
        anna = scene.chat()
        for text, head in (
            ("", "CS2 standard"),
            ("rust", "Rust standard"),
            ("boost", "CS2 boost"),
            ("rust pro", "Rust pro"),
            ("pro rust", "Rust pro"),
            ("  TF2   Boost ", "TF2 boost"),
            ("cs2", "CS2 standard"),
        ):
            assert text_of(await anna.scan(text)).startswith(f"{head}: ")


async def test_a_second_scan_in_a_chat_has_to_wait_for_the_first(scene):
    async with scene.bot() as running:
        anna = scene.chat()
        gate = scene.between.hold = Gate()
        await anna.ask("/scan csgo boost", "looking")
        for text in ("/scan rust pro", "/scan csgo boost"):
            assert text_of(await anna.ask(text, "already")) == "CS2 boost is already being scanned here."
        asked = len(await running.desk.chats.running())
        gate.open()
        await anna.sees(DONE)
        assert asked == 1
        assert text_of(await anna.scan("rust pro")).startswith("Rust pro: 4 found")


async def test_a_scan_that_fails_says_why_and_shows_what_was_found_until_then(scene):
    async with scene.bot():
        anna = scene.chat()
        scene.between.bend = lambda asked, answer: None if asked.stage == "sales" else answer
        words = text_of(await anna.ask("/scan csgo boost", "^The scan failed: "))
        assert words.startswith("The scan failed: more than a tenth of the requests failed (sales)\nCS2 boost: ")
        assert re.search(r"Failed: sales, no answer, \d+ times", words)


async def test_a_market_that_refuses_everything_is_told_in_the_message_of_the_scan(scene):
    async with scene.bot(allowed=(ANNA, BORIS)):
        scene.between.bend = lambda _, __: None
        for chat, words in ((scene.chat(), "^The scan failed: the fees could not be had"), (scene.chat(BORIS), "^Поиск не удался: не удалось узнать комиссии")):
            await chat.ask("/scan csgo boost", words)
            assert len(chat.messages) == 1


# ---- for several chats -------------------------------------------------------------------------------------------------


def requests(scene: Scene) -> int:
    return sum(scene.market.served.requests.values())


async def test_two_chats_that_scan_the_same_at_once_cost_one_scan_and_see_the_same(scene):
    async with scene.bot(allowed=(ANNA, BORIS)) as running:
        anna, boris = scene.chat(), scene.chat(BORIS)
        gate = scene.between.hold = Gate()
        await anna.ask("/scan csgo boost", "looking")
        assert "Такой же поиск уже шёл для другого чата" in text_of(await boris.ask("/scan csgo boost", "идёт поиск"))
        gate.open()
        mine, his = await anna.sees(DONE), await boris.sees(DONE)
        assert offers_of(mine) == offers_of(his) == [found.offer_id for found in truth(scene, Game.CSGO, Level.BOOST)]
        cost = (await running.desk.chats.latest(ANNA)).report.requests
        assert requests(scene) == len(scene.between.log) == cost.market + cost.sales + cost.fee + cost.other
        assert running.desk.views.made == 1
        assert text_of(his).count("запросы: рынок") == 1


async def test_one_who_stops_does_not_stop_the_other_and_the_last_who_stops_ends_it(scene):
    async with scene.bot(allowed=(ANNA, BORIS), BOTCORE_SCAN_CONCURRENCY="1") as running:
        anna, boris = scene.chat(), scene.chat(BORIS)
        gate = scene.between.hold = HeldAfterFinds(running)
        anna.write("/scan csgo boost")
        live = await anna.sees("Newest finds")
        await boris.ask("/scan csgo boost", "Последние находки")
        anna.press(live, "Stop")
        part = await anna.sees("Ended early: it was stopped")
        assert len(running.desk.views._running) == 1
        gate.open()
        whole = await boris.sees(DONE)
        assert "раньше срока" not in text_of(whole)
        true = [found.offer_id for found in truth(scene, Game.CSGO, Level.BOOST)]
        assert offers_of(whole) == true
        assert len(offers_of(part)) < len(true)


async def test_when_all_have_stopped_nothing_more_is_asked(scene):
    async with scene.bot(allowed=(ANNA, BORIS), BOTCORE_SCAN_CONCURRENCY="1") as running:
        anna, boris = scene.chat(), scene.chat(BORIS)
        scene.between.hold = HeldAfterFinds(running)
        anna.write("/scan csgo boost")
        live = await anna.sees("Newest finds")
        his = await boris.ask("/scan csgo boost", "Последние находки")
        anna.press(live, "Stop")
        await anna.sees("Ended early")
        boris.press(his, "Остановить")
        await boris.sees("Закончено раньше срока: поиск остановлен")
        asked = len(scene.between.log)
        assert running.desk.views._running == {}
        await anna.ask("/level", "^Set")
        assert len(scene.between.log) == asked


async def test_a_group_and_a_private_chat_see_scans_of_their_own(scene):
    async with scene.bot(allowed=(ANNA, TRADERS)):
        anna, group = scene.chat(), scene.chat(ANNA, TRADERS)
        gate = scene.between.hold = Gate()
        await anna.ask("/scan csgo boost", "looking")
        live = await group.ask("/scan rust boost", "Rust boost: looking")
        assert data_of(live, "Stop") == presses.pack(presses.Stop(2))
        gate.open()
        assert text_of(await anna.sees(DONE)).startswith("CS2 boost")
        assert text_of(await group.sees(DONE)).startswith("Rust boost")


# ---- what is remembered ------------------------------------------------------------------------------------------------


async def test_a_remembered_scan_is_shown_at_once_with_its_age_and_scan_again_asks_anew(scene, clock):
    async with scene.bot(clock=clock):
        anna = scene.chat()
        first = await anna.scan("csgo boost")
        assert "From a scan" not in text_of(first)
        asked = requests(scene)
        clock.at = time.time() + 40
        second = await anna.scan("csgo boost")
        assert re.search(r"From a scan 4\d\ss ago", text_of(second))
        assert (offers_of(second), requests(scene)) == (offers_of(first), asked)
        assert second.message_id != first.message_id
        anna.press(second, "Scan again")
        third = await anna.sees(DONE)
        assert requests(scene) > asked
        assert offers_of(third) == offers_of(first)
        cost = [re.findall(r"requests: .+", text_of(one))[0] for one in (first, second, third)]
        assert cost[0] == cost[1] != cost[2]


async def test_scan_again_sees_what_came_since(scene):
    async with scene.bot():
        anna = scene.chat()
        first = await anna.scan("csgo boost")
        scene.market.churn.apply(3_000)
        true = [found.offer_id for found in truth(scene, Game.CSGO, Level.BOOST)]
        assert true != offers_of(first)
        anna.press(first, "Scan again")
        done = await anna.sees(DONE)
        listed = [offer async for page in pages(anna, done) for offer in offers_of(page)]
        assert set(listed) <= set(true)
        assert len(listed) >= 0.9 * len(true)


async def test_another_chat_is_shown_what_was_scanned_just_before(scene):
    async with scene.bot(allowed=(ANNA, BORIS)):
        anna, boris = scene.chat(), scene.chat(BORIS)
        mine = await anna.scan("csgo boost")
        asked = requests(scene)
        assert offers_of(await boris.scan("csgo boost")) == offers_of(mine)
        assert requests(scene) == asked


# ---- over a restart ----------------------------------------------------------------------------------------------------


async def test_settings_mutes_watches_and_old_pages_work_after_a_restart(scene):
    anna = scene.chat()
    async with scene.bot():
        await anna.ask("/level rust boost", "^Set")
        first = await anna.scan("csgo pro")
        await anna.answered(anna.press(first, "Watch"))
        muted = truth(scene, Game.CSGO, Level.PRO)[2]
        await anna.ask(f"/mute {muted.title}", "^Muted")
    async with scene.bot():
        assert "Rust boost" in text_of(await anna.ask("/start"))
        assert muted.title in text_of(await anna.ask("/mute"))
        assert text_of(await anna.ask("/watch")).startswith("You watch 1 title")
        wanted = [found for found in truth(scene, Game.CSGO, Level.PRO) if found.title != muted.title]
        anna.press(first, "^2$")
        page = await anna.sees("page 2 of 2")
        assert page.message_id == first.message_id
        assert offers_of(page) == [found.offer_id for found in wanted[4:]]
        anna.press(page, "Why")
        check_why(text_of(await anna.sees("exit price")), wanted[4])


async def test_a_scan_that_a_restart_broke_off_goes_on_in_its_message(scene):
    anna = scene.chat()
    async with scene.bot(BOTCORE_SCAN_CONCURRENCY="1") as running:
        scene.between.hold = HeldAfterFinds(running)
        anna.write("/scan csgo boost")
        live = await anna.sees("Newest finds")
    assert text_of(anna.messages[0]) == "The bot is restarting. What ran here goes on afterwards."
    scene.between.hold = lambda _: asyncio.sleep(0)
    async with scene.bot(BOTCORE_SCAN_CONCURRENCY="1"):
        done = await anna.sees(DONE)
    assert done.message_id == live.message_id
    assert offers_of(done) == [found.offer_id for found in truth(scene, Game.CSGO, Level.BOOST)]
    assert len(anna.messages) == 1
