"""Whole levels that are watched: who hears what, what becomes of it, and what a restart, a block and a market that fails make of that."""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING

import msgspec
import pytest

from botcore.bot.games import DOOR
from botcore.bot.outbox import Pace
from botcore.model import Game, Level
from tests.bot.process import UP, started_in
from tests.bot.shelf import REDLINE
from tests.bot.support import ANNA, AT_ONCE, BORIS, buttons_of, labels_of, text_of
from tests.client.support import Answer

if TYPE_CHECKING:
    from botcore.bot.run import RunningBot
    from botcore.model import Standing
    from tests.bot.support import Chat, Scene

AWAY, BACK = "DMarket does not answer. I keep trying, and tell when it is back.", "DMarket answers again."
REFUSED = "DMarket refuses the keys, so I cannot watch. The owner has to check them; I keep trying."
ALERT = "You watch CS2 boost"
QUICK = {
    "BOTCORE_QUOTA_MARKET": "100",
    "BOTCORE_BOT_WATCH": "0.3",
    "BOTCORE_WATCH_FASTEST": "0.05",
    "BOTCORE_WATCH_SLOWEST": "0.1",
    "BOTCORE_WATCH_SWEEP": "0.1",
    "BOTCORE_WATCH_VERIFY": "0.1",
    "BOTCORE_WATCH_OWN": "0.3",
}
"""A bot that looks all the time."""


def bot(scene: Scene, *allowed: int, pace: Pace = AT_ONCE, **settings: str):
    return scene.bot(allowed=allowed or (ANNA,), pace=pace, **(QUICK | settings))  # type: ignore[arg-type]


async def kept(running: RunningBot) -> list[Standing]:
    """The alerts that the bot's watch gave."""
    found = running.desk.app.alerts(DOOR)
    assert found is not None
    return await found.alerts()


async def seen(running: RunningBot, scene: Scene) -> None:
    """Wait until the watch has looked at all there is twice more, and what there was to tell is told."""
    await scene.until(lambda: running.desk.games.watch is not None, "a watch")
    before = {stage: scene.between.stages()[stage] for stage in ("listing", "quotes")}
    await scene.until(lambda: all(scene.between.stages()[stage] >= count + 3 for stage, count in before.items()), "two looks")
    await running.desk.outbox.drained()


def alerts(chat: Chat) -> list[str]:
    """The first lines of what the chat was told of finds, as it stands now."""
    return [text_of(one).split("\n")[0] for one in chat.messages if REDLINE in text_of(one)]


# ---- what is told ------------------------------------------------------------------------------------------------------


async def test_a_new_find_of_a_watched_level_is_told_with_how_far_it_can_be_trusted(street, shelf):
    async with bot(street) as running:
        anna = street.chat()
        assert "Watching CS2 boost." in text_of(await anna.ask("/watch csgo boost"))
        await anna.ask("/watch", "new offers a second")
        offer = shelf.add(200)
        message = await anna.sees(ALERT)
        lines = text_of(message).replace("\u00a0", " ").split("\n")
        assert lines[:4] == ["$0.05 · 2.50%", REDLINE, "$2.00 → $2.16, sold at once to a buy order", "next ask $3.00"]
        assert lines[4] == "no sale in 30 days; 1 order at the exit for 99 pieces, no ask below the exit"
        assert lines[5] == "worst case $0.05, sold at once · confidence not yet known (0 outcomes)"
        assert lines[6:] == ["Careful: few sales", ALERT, "Sandbox: items and prices are invented"]
        assert labels_of(message) == ["Open", "Why", "Mute", "Stop CS2 boost"]
        assert buttons_of(message)[0]["url"].endswith(shelf.world.offer_id(offer))
        await running.desk.outbox.drained()
        (standing,) = await kept(running)
        times = [standing.alert.listed_at, standing.alert.seen_at, standing.alert.decided_at, standing.alert.queued_at, standing.alert.sent_at]
        assert times == sorted(filter(None, times))


async def test_the_message_itself_says_what_became_of_the_find(street, shelf):
    async with bot(street):
        anna = street.chat()
        await anna.ask("/watch csgo boost")
        offer = shelf.add(200)
        first = await anna.sees(ALERT)
        shelf.reprice(offer, 202)
        dearer = await anna.sees(r"^Price changed: \$2.00 → \$2.02\n\$0.03 · 1.49%")
        shelf.reprice(offer, 206)
        none = await anna.sees(r"^Price changed: \$2.00 → \$2.06. At this price it is no find.")
        assert labels_of(none) == ["Open", "Why", "Mute", "Stop CS2 boost"]
        shelf.reprice(offer, 200)
        again = await anna.sees(r"^\$0.05 · 2.50%")
        shelf.world.drop(offer)
        gone = await anna.sees("^Gone: ")
        assert text_of(gone).startswith(f"Gone: {REDLINE} for $2.00. It was sold or repriced.")
        assert labels_of(gone) == []
        assert {one.message_id for one in (dearer, none, again, gone)} == {first.message_id}


async def test_a_find_that_pays_no_more_says_so(street, shelf):
    async with bot(street):
        anna = street.chat()
        await anna.ask("/watch csgo boost")
        shelf.add(200)
        first = await anna.sees(ALERT)
        shelf.title.orders[0].price = 150
        spoiled = await anna.sees(r"^Pays no more: still listed for \$2.00, and no exit leaves the level's profit.")
        assert spoiled.message_id == first.message_id


async def test_a_better_price_is_a_new_message(street, shelf):
    async with bot(street):
        anna = street.chat()
        await anna.ask("/watch csgo boost")
        offer = shelf.add(200)
        first = await anna.sees(ALERT)
        shelf.reprice(offer, 197)
        await street.until(lambda: sorted(alerts(anna)) == ["$0.08 · 4.06%", "Price changed: $2.00 → $1.97"], "both messages")
        second = next(one for one in anna.messages if text_of(one).startswith("$0.08"))
        assert second.message_id != first.message_id


async def test_a_restart_tells_nothing_twice_and_passes_nothing_over(street, shelf):
    anna = street.chat()
    async with bot(street):
        await anna.ask("/watch csgo boost")
        shelf.add(200), shelf.add(201)
        for _ in range(2):
            await anna.sees(ALERT)
    told = len(anna.messages)
    first = next(one for one in shelf.market.offers.values() if one.price == 200)
    shelf.world.drop(first)
    shelf.add(199)
    async with bot(street) as running:
        await anna.sees(r"^\$0.06 · 3.02%")
        await street.until(lambda: any(text.startswith("Gone: ") for text in alerts(anna)), "the end of the first")
        await seen(running, street)
        assert len(anna.messages) == told + 1
        assert sorted(alerts(anna)) == ["$0.04 · 1.99%", "$0.06 · 3.02%", f"Gone: {REDLINE} for $2.00. It was sold or repriced."]


async def test_a_bot_that_is_killed_tells_nothing_twice_and_passes_nothing_over(street, shelf):
    """Killed while one alert is in the chat and others may be anywhere on their way."""
    anna = street.chat()
    async with started_in(street, **QUICK) as process:
        await process.until(UP)
        await anna.ask("/watch csgo boost")
        for price in (196, 197, 198):
            shelf.add(price)
        await anna.sees(ALERT)
        process.send(signal.SIGKILL)
        await process.ended()
    shelf.add(199)
    async with bot(street) as running:
        await street.until(lambda: len(set(alerts(anna))) == 4, "all four")
        await seen(running, street)
        assert len(alerts(anna)) <= 5, "at most the one in flight at the kill is there twice"


async def test_each_chat_hears_of_its_own_levels_in_its_language(street, shelf):
    knife = shelf.world.add_title(Game.CSGO, "★ Flip Knife | Doppler (Factory New)", 20_000, traits={"wear_range": (0.0, 0.08)})
    shelf.world.add_order(knife, 20_000, amount=9)
    async with bot(street, ANNA, BORIS) as running:
        anna, boris = street.chat(), street.chat(BORIS)
        await anna.ask("/watch csgo boost medium")
        await boris.ask("/watch csgo pro")
        shelf.add(200)
        shelf.world.add_offer(knife, 14_000, wear=0.01, seed=1)
        message = await boris.sees("Вы следите: CS2 pro")
        assert "Flip Knife" in text_of(message)
        assert REDLINE in text_of(await anna.sees(ALERT))
        await seen(running, street)
        assert not any("Flip Knife" in text_of(one) for one in anna.messages)
        assert not any(REDLINE in text_of(one) for one in boris.messages)


async def test_who_begins_to_watch_later_is_told_what_stands(street, shelf):
    async with bot(street, ANNA, BORIS) as running:
        anna, boris = street.chat(), street.chat(BORIS)
        await anna.ask("/watch csgo boost")
        shelf.add(200)
        await anna.sees(ALERT)
        watch = running.desk.games.watch
        await boris.ask("/watch csgo boost")
        assert REDLINE in text_of(await boris.sees("Вы следите: CS2 boost"))
        await boris.ask("/watch csgo boost")
        await seen(running, street)
        assert running.desk.games.watch is watch, "the same is watched, so it goes on"
        assert (len(alerts(anna)), len(alerts(boris))) == (1, 1)


async def test_a_title_that_is_watched_as_well_is_told_once(street, shelf):
    async with bot(street) as running:
        anna = street.chat()
        await anna.ask("/level csgo boost")
        await anna.ask(f"/watch {REDLINE}", "^Watching")
        shelf.add(200)
        await anna.sees("You watch this title")
        await anna.ask("/watch csgo boost", "^Watching")
        await seen(running, street)
        shelf.add(199)
        await anna.sees(ALERT)
        await seen(running, street)
        assert sorted(alerts(anna)) == ["$0.05 · 2.50%", "$0.06 · 3.02%", f"Watching {REDLINE} (CS2 boost). /watch lists all."]


async def test_a_muted_title_is_not_told(street, shelf):
    async with bot(street) as running:
        anna = street.chat()
        await anna.ask("/watch csgo boost")
        shelf.add(200)
        message = await anna.sees(ALERT)
        assert await anna.answered(anna.press(message, "Mute")) == f"Muted: {REDLINE}. /unmute shows it again."
        shelf.add(199)
        await street.until(lambda: running.desk.games.watch.figures.alerts == 2, "the second alert")
        await seen(running, street)
        assert alerts(anna) == ["$0.05 · 2.50%"]
        await anna.ask(f"/unmute {REDLINE}", "^Shown again")
        assert text_of(await anna.sees(ALERT)).startswith("$0.06")


# ---- the end -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["alert", "list", "game"])
async def test_a_stop_button_ends_it_and_with_nobody_left_nothing_is_asked(street, shelf, way):
    async with bot(street) as running:
        anna = street.chat()
        await anna.ask("/watch csgo boost" if way != "game" else "/watch csgo")
        shelf.add(200)
        message = await anna.sees(ALERT) if way == "alert" else await anna.ask("/watch", "^You watch whole levels\n")
        words = await anna.answered(anna.press(message, "^Stop CS2$" if way == "game" else "^Stop CS2 boost$"))
        assert words == f"No longer watching CS2 {'all levels' if way == 'game' else 'boost'}."
        await street.until(lambda: running.desk.games.watch is None, "the end of the watch")
        await running.desk.outbox.drained()
        shelf.add(199)
        asked, told = len(street.between.log), len(alerts(anna))
        await anna.ask("/watch", "^You watch nothing")
        assert (len(street.between.log), len(alerts(anna))) == (asked, told)


async def test_what_others_watch_goes_on_when_one_stops(street, shelf):
    async with bot(street, ANNA, BORIS) as running:
        anna, boris = street.chat(), street.chat(BORIS)
        await anna.ask("/watch csgo boost standard")
        await boris.ask("/watch csgo boost")
        listed = await anna.ask("/watch", "CS2: boost, standard")
        await anna.answered(anna.press(listed, "^Stop CS2$"))
        await street.until(lambda: running.desk.games.watch is not None and running.desk.games.watch.query.levels == (Level.BOOST,), "the smaller watch")
        shelf.add(200)
        await boris.sees("Вы следите: CS2 boost")
        await seen(running, street)
        assert alerts(anna) == []


async def test_a_chat_that_blocked_the_bot_hears_nothing_and_all_of_it_after_it_comes_back(street, shelf):
    async with bot(street) as running:
        anna = street.chat()
        await anna.ask("/watch csgo boost")
        street.telegram.people.block(ANNA, blocked=True)
        await street.until(lambda: running.desk.games.watch is None, "the end of the watch")
        shelf.add(200)
        asked, told = len(street.between.log), len(anna.messages)
        street.telegram.people.block(ANNA, blocked=False)
        assert REDLINE in text_of(await anna.sees(ALERT))
        assert len(anna.messages) == told + 1
        assert len(street.between.log) > asked


async def test_who_is_no_longer_allowed_hears_nothing(street, shelf):
    async with bot(street, ANNA, BORIS):
        await street.chat(BORIS).ask("/watch csgo boost")
    shelf.add(200)
    async with bot(street, ANNA) as running:
        await street.chat().ask("/status", "Chats that watch levels: 0")
        assert running.desk.games.watch is None


# ---- right before it is sent -------------------------------------------------------------------------------------------


async def test_an_alert_whose_offer_went_while_it_waited_is_counted_as_gone_and_never_sent(street, shelf):
    anna = street.chat()
    async with bot(street, pace=msgspec.structs.replace(AT_ONCE, chat=(1, 3600.0))) as running:
        await anna.ask("/watch csgo boost")
        offer, other = shelf.add(200), shelf.add(201)
        await street.until(lambda: len(running.desk.outbox) == 2, "two alerts that wait")
    shelf.world.drop(offer)
    async with bot(street) as running:
        assert text_of(await anna.sees(ALERT)).startswith("$0.04")
        await seen(running, street)
        assert running.desk.outbox.counts.gone == 1
        assert alerts(anna) == ["$0.04 · 1.99%"]
        sent = {standing.alert.opportunity.price_cents: standing.alert.sent_at for standing in await kept(running)}
        assert sent[200] is None
        assert sent[201] is not None
        assert other.price == 201


async def test_an_alert_waits_while_the_market_does_not_tell_and_what_else_is_said_does_not(street, shelf):
    anna = street.chat()
    async with bot(street, pace=msgspec.structs.replace(AT_ONCE, chat=(1, 3600.0))) as running:
        await anna.ask("/watch csgo boost")
        shelf.add(200)
        await street.until(lambda: len(running.desk.outbox) == 1, "an alert that waits")
    cut(street, away=True)
    async with bot(street, BOTCORE_BOT_WATCH="3600"):
        await anna.ask("/help", "^What I can do")
        await anna.ask("/start", "^Hello")
        assert alerts(anna) == []
        cut(street, away=False)
        await anna.sees(ALERT)


# ---- a market that fails -----------------------------------------------------------------------------------------------


def cut(scene: Scene, *, away: bool) -> None:
    scene.between.bend = (lambda _, __: None) if away else (lambda _, answer: answer)


def said(chat: Chat, words: str) -> int:
    return sum(text_of(one) == words for one in chat.messages)


async def test_a_market_that_is_away_is_said_once_and_so_is_its_return(street, shelf):
    anna = street.chat()
    async with bot(street) as running:
        await anna.ask("/watch csgo boost")
        await street.until(lambda: running.desk.games.watch is not None and running.desk.games.watch.heard, "the watch")
        cut(street, away=True)
        await anna.sees(re.escape(AWAY))
    async with bot(street) as running:
        await street.until(lambda: running.desk.games.watch is not None and running.desk.games.watch.failing > 0.6, "more failures")
        assert (said(anna, AWAY), said(anna, BACK)) == (1, 0)
        shelf.add(200)
        cut(street, away=False)
        await anna.sees(re.escape(BACK))
        await street.until(lambda: alerts(anna) == ["$0.05 · 2.50%"], "the find")
        await seen(running, street)
        assert (said(anna, AWAY), said(anna, BACK)) == (1, 1)


async def test_refused_keys_are_said_plainly_and_once(street, shelf):
    street.between.bend = lambda _, __: Answer(b'{"code":"Unauthorized","message":"no"}', 401)
    async with bot(street):
        anna = street.chat()
        await anna.ask("/watch csgo boost")
        await anna.sees(re.escape(REFUSED))
        tries = len(street.between.log)
        await street.until(lambda: len(street.between.log) > tries + 12, "more tries")
        assert said(anna, REFUSED) == 1
        cut(street, away=False)
        await anna.sees(re.escape(BACK))
        shelf.add(200)
        await anna.sees(ALERT)


# ---- the command -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "what", "pairs"),
    [
        ("csgo standard", "CS2 standard", {(Game.CSGO, Level.STANDARD)}),
        ("STANDARD cs2", "CS2 standard", {(Game.CSGO, Level.STANDARD)}),
        ("dota2", "Dota 2, all levels", {(Game.DOTA2, level) for level in Level}),
        ("pro", "CS2 pro", {(Game.CSGO, Level.PRO)}),
        (
            "rust tf2 pro boost",
            "TF2 boost; TF2 pro; Rust boost; Rust pro",
            {(game, level) for game in (Game.TF2, Game.RUST) for level in (Level.BOOST, Level.PRO)},
        ),
    ],
)
async def test_games_and_levels_are_watched_as_they_are_named(street, words, what, pairs):
    async with bot(street) as running:
        anna = street.chat()
        assert text_of(await anna.ask(f"/watch {words}")).startswith(f"Watching {what}. I tell of each find")
        assert (await running.desk.chats.levels())[ANNA] == pairs
    async with bot(street) as running:
        assert (await running.desk.chats.levels())[ANNA] == pairs


@pytest.mark.parametrize("words", ["csgo banana", "banana csgo", "csgo standard please", "zzzzzzzz"])
async def test_an_unknown_word_is_told_what_exists_and_nothing_is_watched(street, words):
    async with bot(street) as running:
        message = await street.chat().ask(f"/watch {words}")
        assert text_of(message).startswith(f"I do not know “{words}”. Write /watch csgo standard, /watch dota2 for all its levels, or an exact title.\n")
        assert text_of(message).endswith("Games: csgo, dota2, tf2, rust; levels: boost, standard, medium, advanced, pro.")
        assert await running.desk.chats.levels() == {}


async def test_a_title_that_begins_with_a_game_is_a_title(street, shelf):
    name = "Rust Botkiller Knife Mk.I"
    shelf.world.add_title(Game.TF2, name, 300)
    shelf.world.add_offer(shelf.world.games[Game.TF2].titles[name], 300)
    async with bot(street):
        assert text_of(await street.chat().ask(f"/watch {name}")).startswith(f"Watching {name} (TF2 standard).")


async def test_the_list_shows_levels_titles_and_how_the_watch_does(street, shelf):
    async with bot(street) as running:
        anna = street.chat()
        await anna.ask(f"/watch {REDLINE}")
        await anna.ask("/watch csgo boost pro")
        await anna.ask("/watch dota2")
        await street.until(lambda: running.desk.games.watch is not None and len(running.desk.games.watch.patrols) == 2, "the watch of both games")
        shelf.add(200)
        await anna.sees(ALERT)
        await running.desk.outbox.drained()
        listed = await anna.ask("/watch")
        words = text_of(listed).split("\n")
        assert words[:7] == ["You watch whole levels", "CS2: boost, pro", "Dota 2: all levels", "", "You watch 1 title", f"1. {REDLINE} · CS2 standard", ""]
        assert words[7] == "The watch"
        assert re.fullmatch(r"CS2: [0-9.]+ new offers a second, looked at every 0\.[0-9] s", words[8])
        assert words[9].startswith("Dota 2: 0.0 new offers a second")
        assert re.fullmatch(r"Listed to alert: [0-9.]+ s, 19 of 20 within [0-9.]+ s", words[10])
        assert re.fullmatch(r"Quota used: market \d+%, sales \d+%, fees \d+%, other \d+%", words[11])
        assert words[12] == "Alerts: 1; gone before they were sent: 0"
        stops = ["Stop CS2", "Stop CS2 boost", "Stop CS2 pro", "Stop Dota 2", *(f"Stop Dota 2 {level}" for level in Level)]
        assert labels_of(listed)[:-1] == stops
        assert labels_of(listed)[-1].startswith("Stop 1: AK-47")
        status = text_of(await anna.ask("/status"))
        assert "Chats that watch levels: 1" in status
        assert "\n".join(words[7:9]).split(":")[0] in status
