"""Watched titles: what is new or cheaper is told once, what was told is corrected in place, and a market that is away is said once."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from botcore.model import Game, Level
from botcore.sandbox import grow_world
from botcore.sandbox.churn import Churn
from botcore.sandbox.truth import true_opportunities
from tests.bot.shelf import REDLINE
from tests.bot.support import ANNA, BORIS, MARKET, buttons_of, labels_of, text_of

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from botcore.sandbox.telegram.objects import Message
    from tests.bot.support import Chat, Scene

AWAY, BACK = "DMarket does not answer. I keep trying, and tell when it is back.", "DMarket answers again."
LIVELY = {"BOTCORE_BOT_WATCH": "0.02", **{f"BOTCORE_CACHE_{kind}": "0" for kind in ("QUOTES", "TARGETS", "SALES", "SALES_STALE")}}
"""A bot that looks all the time and remembers nothing of prices."""


async def watching(chat: Chat, name: str = REDLINE) -> None:
    await chat.ask("/level csgo boost", "boost")
    await chat.ask(f"/watch {name}", re.escape(name))


def alerts(chat: Chat) -> list[Message]:
    """What the chat was told of finds, as it stands now."""
    return [one for one in chat.messages if re.search("You watch this title|Вы следите за этим предметом|^Gone: |^Ушло: ", text_of(one))]


def bot(scene: Scene, *allowed: int, **settings: str):
    return scene.bot(allowed=allowed or (ANNA,), **(LIVELY | settings))  # type: ignore[arg-type]


# ---- one title ---------------------------------------------------------------------------------------------------------


async def test_a_new_find_is_told_once_with_all_that_matters_and_buttons(street, shelf):
    async with bot(street) as running:
        anna = street.chat()
        await watching(anna)
        await street.looked(running)
        assert alerts(anna) == []
        offer = shelf.add(200)
        message = await anna.sees("You watch this title")
        assert text_of(message).split("\n") == [
            "$0.05 · 2.50%",
            REDLINE,
            "$2.00 → $2.16, sold at once to a buy order",
            "no sales in 30 days, next ask $3.00",
            "You watch this title",
            "Sandbox: items and prices are invented",
        ]
        assert labels_of(message) == ["Open", "Stop watching"]
        assert buttons_of(message)[0]["url"].endswith(shelf.world.offer_id(offer))
        events = len(anna.events())
        for _ in range(3):
            await street.looked(running)
        assert len(anna.events()) == events


async def test_cheaper_is_told_again_dearer_and_gone_change_the_message(street, shelf):
    async with bot(street) as running:
        anna = street.chat()
        await watching(anna)
        offer = shelf.add(200)
        first = await anna.sees(r"^\$0.05 · 2.50%")
        shelf.reprice(offer, 197)
        second = await anna.sees(r"^\$0.08 · 4.06%")
        assert second.message_id != first.message_id
        shelf.reprice(offer, 201)
        third = await anna.sees(r"^Price changed: \$1.97 → \$2.01\n\$0.04 · 1.99%")
        assert third.message_id == second.message_id
        assert labels_of(third) == ["Open", "Stop watching"]
        shelf.world.drop(offer)
        fourth = await anna.sees("^Gone: ")
        assert fourth.message_id == second.message_id
        assert text_of(fourth).startswith(f"Gone: {REDLINE} for $2.01. It was sold or repriced.")
        assert labels_of(fourth) == []
        await street.looked(running)
        assert len(alerts(anna)) == 2


async def test_so_dear_that_it_is_no_find_any_more_is_gone(street, shelf):
    async with bot(street):
        anna = street.chat()
        await watching(anna)
        offer = shelf.add(200)
        first = await anna.sees("You watch this title")
        shelf.reprice(offer, 204)
        assert (await anna.sees("^Gone: ")).message_id == first.message_id


async def test_what_is_there_when_watching_begins_is_told_unless_it_was_just_shown(street, shelf):
    shelf.add(200)
    async with bot(street, ANNA, BORIS) as running:
        anna, boris = street.chat(), street.chat(BORIS)
        await watching(boris)
        await boris.sees("Вы следите за этим предметом")
        page = await anna.scan("csgo boost")
        await anna.answered(anna.press(page, "Watch"))
        await street.looked(running)
        assert alerts(anna) == []
        assert len(alerts(boris)) == 1
        shelf.add(199)
        assert text_of(await anna.sees("You watch this title")).startswith("$0.06")


async def test_nothing_is_told_twice_after_a_restart_and_what_changed_meanwhile_is_corrected(street, shelf):
    anna = street.chat()
    async with bot(street):
        await watching(anna)
        offer, other = shelf.add(200), shelf.add(201)
        first = {text_of(await anna.sees("You watch this title"))[:5] for _ in range(2)}
        assert first == {"$0.05", "$0.04"}
    sent = len(anna.messages)
    async with bot(street) as running:
        await street.looked(running)
        assert len(anna.messages) == sent
    shelf.world.drop(offer)
    shelf.reprice(other, 202)
    async with bot(street) as running:
        await anna.sees("^Gone: ")
        await street.looked(running)
        assert len(anna.messages) == sent
        assert sorted(text_of(one).split("\n")[0] for one in alerts(anna)) == [
            f"Gone: {REDLINE} for $2.00. It was sold or repriced.",
            "Price changed: $2.01 → $2.02",
        ]


async def test_a_muted_title_is_quiet_until_it_is_unmuted(street, shelf):
    async with bot(street) as running:
        anna = street.chat()
        await watching(anna)
        await anna.ask(f"/mute {REDLINE}", "^Muted")
        shelf.add(200)
        await street.looked(running)
        assert alerts(anna) == []
        await anna.ask(f"/unmute {REDLINE}", "^Shown again")
        await anna.sees("You watch this title")


@pytest.mark.parametrize("way", ["alert", "list"])
async def test_once_the_title_is_let_go_nothing_more_is_asked_or_told(street, shelf, way):
    async with bot(street) as running:
        anna = street.chat()
        await watching(anna)
        shelf.add(200)
        message = await anna.sees("You watch this title") if way == "alert" else await anna.ask("/watch", "^You watch 1 title\n")
        assert await anna.answered(anna.press(message, "^Stop")) == f"No longer watching {REDLINE}."
        await street.settled(running)
        shelf.add(199)
        running.desk.watcher.hurry()
        await anna.ask("/watch", "^You watch nothing")
        told = len(alerts(anna))
        asked = len(street.between.log)
        await running.desk.watcher.round()
        assert (len(alerts(anna)), len(street.between.log)) == (told, asked)


async def test_two_chats_that_watch_the_same_cost_one_look_and_each_is_told_in_its_language(street, shelf):
    shelf.add(200)
    async with bot(street, ANNA, BORIS, BOTCORE_BOT_WATCH="3600") as running:
        anna, boris, watcher = street.chat(), street.chat(BORIS), running.desk.watcher
        await watching(anna)
        assert text_of(await anna.sees("watch this")).split("\n")[1:3] == [REDLINE, "$2.00 → $2.16, sold at once to a buy order"]
        alone = await cost(street, watcher.round())
        await watching(boris)
        assert text_of(await boris.sees("следите за этим")).split("\n")[1:3] == [REDLINE, "$2.00 → $2.16, сразу в ордер на покупку"]
        looks = watcher.looks
        assert await cost(street, watcher.round()) == alone
        assert watcher.looks == looks + 1
        assert alone["quotes"] == alone["targets"] == 1


async def cost(scene: Scene, work: Awaitable[None]) -> Counter[str]:
    """What the market is asked meanwhile."""
    before = Counter(one.stage for one in scene.between.log)
    await work
    return Counter(one.stage for one in scene.between.log) - before


# ---- a market that is away ---------------------------------------------------------------------------------------------


def cut(scene: Scene, *, away: bool) -> None:
    scene.between.bend = (lambda _, __: None) if away else (lambda _, answer: answer)


def said(chat: Chat, words: str) -> int:
    return sum(text_of(one) == words for one in chat.messages)


async def test_a_market_that_is_away_is_said_once_and_so_is_its_return(street, shelf):
    """To those who watch; Boris does not."""
    async with bot(street, ANNA, BORIS) as running:
        anna, boris = street.chat(), street.chat(BORIS)
        await boris.ask("/start")
        await watching(anna)
        cut(street, away=True)
        await anna.sees(re.escape(AWAY))
        for _ in range(3):
            await street.looked(running)
        assert (said(anna, AWAY), said(anna, BACK)) == (1, 0)
        shelf.add(200)
        cut(street, away=False)
        await anna.sees(re.escape(BACK))
        await anna.sees("You watch this title")
        await street.looked(running)
        assert (said(anna, AWAY), said(anna, BACK)) == (1, 1)
        assert len(boris.messages) == 1
        cut(street, away=True)
        await anna.sees(re.escape(AWAY))


async def test_a_single_failure_is_not_worth_a_word(street, shelf):
    shelf.add(200)
    async with bot(street, BOTCORE_BOT_WATCH="3600") as running:
        anna, watcher = street.chat(), running.desk.watcher
        await watching(anna)
        await anna.sees("You watch this title")
        for _ in range(3):
            cut(street, away=True)
            await watcher.round()
            cut(street, away=False)
            await watcher.round()
        await street.settled(running)
        assert (said(anna, AWAY), said(anna, BACK)) == (0, 0)


async def test_a_market_that_stays_away_over_a_restart_is_not_said_again(street):
    anna = street.chat()
    async with bot(street):
        await watching(anna)
        cut(street, away=True)
        await anna.sees(re.escape(AWAY))
    async with bot(street) as running:
        for _ in range(2):
            await street.looked(running)
        assert said(anna, AWAY) == 1
        cut(street, away=False)
        await anna.sees(re.escape(BACK))


async def test_what_was_told_is_not_called_gone_because_the_market_is_away(street, shelf):
    async with bot(street) as running:
        anna = street.chat()
        await watching(anna)
        shelf.add(200)
        await anna.sees("You watch this title")
        cut(street, away=True)
        await anna.sees(re.escape(AWAY))
        for _ in range(2):
            await street.looked(running)
        assert [text_of(one).split("\n")[0] for one in alerts(anna)] == ["$0.05 · 2.50%"]


async def test_a_chat_that_blocked_the_bot_is_not_looked_for(street, shelf):
    shelf.add(200)
    async with bot(street, BOTCORE_BOT_WATCH="3600") as running:
        anna = street.chat()
        await watching(anna)
        await anna.sees("You watch this title")
        street.telegram.people.block(ANNA, blocked=True)
        await street.settled(running)
        looks = running.desk.watcher.looks
        await running.desk.watcher.round()
        assert running.desk.watcher.looks == looks


# ---- a market that lives -----------------------------------------------------------------------------------------------

ROUNDS, EVENTS, LEVEL = 12, 150, Level.BOOST
DEALS = 0.3
"""More of what is listed is a find than a market has, since buyers soon take it."""


def busiest(count: int) -> list[str]:
    """The titles whose finds change most in a world that is going to live as the market's."""
    world = grow_world(MARKET.seed, MARKET.size)
    churn = Churn(world, DEALS)
    seen: Counter[str] = Counter()
    before: set[tuple[str, str]] = set()
    for _ in range(ROUNDS):
        churn.apply(EVENTS)
        now = {(found.title, found.offer_id) for found in true_opportunities(world, Game.CSGO, LEVEL)}
        seen.update(title for title, _ in now ^ before)
        before = now
    return [title for title, _ in seen.most_common(count)]


async def test_while_the_market_lives_what_stands_in_the_chat_is_the_truth_of_the_moment(scene):
    """After every hundred and fifty events the alerts that are not called gone are exactly the finds of the watched titles, at their prices."""
    titles = busiest(12)
    async with bot(scene, BOTCORE_BOT_DIGEST="1000") as running:
        anna = scene.chat()
        await anna.ask(f"/level csgo {LEVEL}", "^Set")
        for title in titles:
            await anna.ask(f"/watch {title}", re.escape(title))
        told: Counter[str] = Counter()
        scene.market.churn.deals = DEALS
        for _ in range(ROUNDS):
            scene.market.churn.apply(EVENTS)
            await scene.looked(running)
            true = {found.offer_id: found.price_cents for found in true_opportunities(scene.market.world, Game.CSGO, LEVEL) if found.title in titles}
            standing = [one for one in alerts(anna) if not text_of(one).startswith("Gone")]
            assert {buttons_of(one)[0]["url"].rpartition("=")[2] for one in standing} == set(true)
            assert len(standing) == len(true)
            told["standing"] += len(standing)
        told["alerts"] = len(alerts(anna))
        told["gone"] = len(alerts(anna)) - len(standing)
        assert told["alerts"] >= 8
        assert told["gone"] >= 5
        assert len({text_of(one).split("\n")[1] for one in alerts(anna)}) >= 3
