"""``botcore explain``: how one offer fares at each stage of a scan, and why."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable

import click
import msgspec
from rich.console import Console
from rich.table import Table

from botcore.app import App, open_app
from botcore.cli import view
from botcore.errors import StoreError
from botcore.model import Game, Level, ScanQuery, dollars
from botcore.sandbox import MarketOptions
from botcore.scan import wording
from botcore.scan.confidence import Confidence
from botcore.scan.explain import Explainer
from botcore.scan.trace import FOUND, STAGES, Explanation
from botcore.settings import load

__all__ = ["command"]


@click.command("explain", short_help="Tell how an offer fares at each stage of a scan, and why.")
@click.argument("offer_id")
@click.option("--title", default="", help="The offer's exact Steam market name; by default the one under which a scan or a watch stored it.")
@click.option("--game", default=Game.CSGO.value, show_default=True, help="csgo, dota2, tf2 or rust.")
@click.option("--level", default=Level.STANDARD.value, show_default=True, help="boost, standard, medium, advanced or pro.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else on standard output.")
@click.option("--sandbox", is_flag=True, help="Use a sandbox market even when keys are set.")
@click.option("--seed", type=int, default=None, help="The sandbox market's seed; implies --sandbox.")
def command(offer_id: str, *, title: str, game: str, level: str, as_json: bool, sandbox: bool, seed: int | None) -> int:
    """Tell how the offer OFFER_ID fares at each stage of a scan now, and why it is a find, or is none.

    Everything about its title is asked anew, so that the figures are there for an offer too that a scan drops at once.
    """
    query = ScanQuery(Game.parse(game), Level.parse(level), title=title)
    options = None
    if sandbox or seed is not None:
        options = MarketOptions() if seed is None else MarketOptions(seed=seed)
    explained, confidence = asyncio.run(_explain(offer_id, query, options))
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(_document(explained, confidence)), indent=2).decode() + "\n")
    else:
        _print(explained, confidence)
    return 0


async def _explain(offer_id: str, query: ScanQuery, sandbox: MarketOptions | None) -> tuple[Explanation, Confidence]:
    """The explanation, and how sure its exit is by what this market taught."""
    settings = load()
    if sandbox is None and settings.keys is None:
        sandbox = MarketOptions()
    Console(stderr=True).print(view.market_line(settings.url, sandbox, keys=settings.keys is not None), highlight=False, markup=False, style="dim")
    async with open_app(settings, sandbox=sandbox) as app:
        if not query.title:
            query = msgspec.structs.replace(query, title=await _title(app, query.game, offer_id))
        explained = await Explainer(app.client, cache=app.cache, journal=app.journal).explain(offer_id, query)
        return explained, Confidence(None, 0) if explained.assessment is None else app.confidence(explained.assessment)


async def _title(app: App, game: Game, offer_id: str) -> str:
    """The title under which the offer was stored, by a scan that found it or as one whose outcome is followed."""
    if app.store is not None:
        title = await app.store.title(app.market, game, offer_id)
        if title is not None:
            return title
        noted = [] if app.outcomes is None else await app.outcomes.of_offer(game, offer_id)
        if noted:
            return noted[0].title
    raise StoreError(f"no offer {offer_id} of {game} is stored for {app.market}: give its title with --title")


# ---- showing it ------------------------------------------------------------------------------------------------------


def _document(explained: Explanation, confidence: Confidence) -> dict[str, object]:
    weighed = explained.assessment
    words = {} if weighed is None else {"evidence": wording.evidence_line(weighed), "concerns": [wording.CONCERNS[one] for one in weighed.concerns]}
    return {"explanation": explained, "confidence": confidence, **words}


def _print(explained: Explanation, confidence: Confidence) -> None:
    out = Console(highlight=False)
    out.print(f"{_named(explained)} · {explained.game} {explained.level}", style="bold", markup=False, soft_wrap=True)
    for line in _stages(explained):
        out.print(line, markup=False, soft_wrap=True)
    if explained.ways:
        out.print(_exits(explained))
    for line in _weighed(explained, confidence):
        out.print(line, markup=False, soft_wrap=True)


def _named(explained: Explanation) -> str:
    title = f"{explained.title} ({explained.phase})" if explained.phase else explained.title
    return title if explained.price_cents is None else f"{title} at {dollars(explained.price_cents)}"


def _stages(explained: Explanation) -> Iterable[str]:
    """A line for each stage: what was asked there, and whether the offer got past it."""
    reached = STAGES.index(explained.stage) if explained.stage else -1
    told = {"listed": _listed(explained), "quoted": _quoted(explained), "checked": _checked(explained), FOUND: _outcome(explained)}
    for number, stage in enumerate(STAGES):
        if explained.price_cents is None and number:
            return
        mark = "passed " if number <= reached else "dropped" if number == reached + 1 else "not asked"
        yield f"{stage:<8} {mark:<9} {told[stage]}"


def _listed(explained: Explanation) -> str:
    if explained.price_cents is None:
        return "not listed under this id: sold, taken back, repriced under another id, or P2P"
    return "the cheapest of its kind" if explained.cheapest else "others of its kind are cheaper"


def _quoted(explained: Explanation) -> str:
    if explained.verdict in _REFUSED:
        return _REFUSED[explained.verdict]
    if explained.quote is None:
        return "the market quotes no prices for it"
    bid = f"best bid {dollars(explained.quote.best_bid_cents)} of {explained.quote.bid_count:,}" if explained.quote.bid_count else "no bid"
    pays = "" if explained.affordable_cents is None else f", which pays for a price up to {dollars(explained.affordable_cents)}"
    return f"{bid}{pays}; best ask {dollars(explained.quote.best_ask_cents)} of {explained.quote.ask_count:,}"


def _checked(explained: Explanation) -> str:
    bid = "" if explained.bid_cents is None else f", the best at {dollars(explained.bid_cents)}"
    median = "" if explained.median_cents is None else f", median {dollars(explained.median_cents)}"
    ask = "no other ask" if explained.next_ask_cents is None else f"next ask {dollars(explained.next_ask_cents)}"
    return f"{explained.fitting} of {explained.orders} orders take it{bid}; {explained.sales_30d} sales in 30 days{median}; {ask}"


def _outcome(explained: Explanation) -> str:
    if explained.found is not None:
        found = explained.found
        return f"{found.exit} for {dollars(found.exit_price_cents)} leaves {dollars(found.profit_cents)}, {found.profit_percent:.2f} %"
    most = "" if explained.most_percent is None else f" to {explained.most_percent:g}"
    return f"{explained.verdict}: {view.MEANING[explained.verdict]} (wanted: {explained.least_percent:g}{most} %)"


_REFUSED = {name: view.MEANING[name] for name in ("duplicate", "p2p", "price", "locked", "own", "muted")}


def _exits(explained: Explanation) -> Table:
    table = Table("exit", "price", "fee", "profit", "%", "", box=None, pad_edge=False, header_style="bold")
    for way in explained.ways:
        money = (dollars(cents) for cents in (way.price_cents, way.fee_cents, way.profit_cents))
        table.add_row(way.exit, *money, f"{way.profit_percent:.2f}", way.verdict)
    return table


def _weighed(explained: Explanation, confidence: Confidence) -> Iterable[str]:
    weighed = explained.assessment
    if weighed is None:
        return
    worst = "none, since no order takes it" if weighed.worst_cents is None else f"{dollars(weighed.worst_cents)} at once, to the best order"
    yield f"expected {dollars(weighed.expected_cents)} in {weighed.days:.1f} days, {dollars(round(weighed.per_day_cents))} a day; worst case {worst}"
    yield f"evidence {wording.evidence_line(weighed)}"
    for concern in weighed.concerns:
        yield f"warning  {wording.CONCERNS[concern]}"
    yield f"score {weighed.score:.2f}; {wording.confidence_line(confidence)}"
