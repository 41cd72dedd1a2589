"""How one offer fares at each stage of a scan, from all that is known of its title; also of one that a scan drops early. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from botcore.fees import FeeBook
from botcore.model import Exit, Game, Level, Offer, Opportunity, OwnTarget, Quote, Sale, ScanQuery, Target
from botcore.scan.bands import Bands
from botcore.scan.evidence import Assessment, assess, background
from botcore.scan.match import ANY, Evidence, Profit, best_bid, decide, exits, foreign, profit_window, sales_figures
from botcore.scan.table import Table

__all__ = ["FOUND", "STAGES", "Explanation", "Known", "Way", "trace"]

FOUND = "found"
STAGES = ("listed", "quoted", "checked", FOUND)


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """All that was asked about a title: its offers at any price, quote, orders, sales, the fees, and what of it is the account's own."""

    offers: Sequence[Offer]
    quote: Quote | None
    targets: Sequence[Target]
    sales: Sequence[Sale]
    fees: FeeBook
    own_ids: frozenset[str] = frozenset()
    own_targets: Sequence[OwnTarget] = ()


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One exit and what it leaves. ``verdict``: ``fits`` the level's window of profit, or ``low``, or ``too-good``."""

    exit: Exit
    price_cents: int
    fee_cents: int
    profit_cents: int
    profit_percent: float
    verdict: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """How an offer fares in a scan of its title. Money in cents.

    ``verdict``: ``found``, or the funnel's name for why it is dropped. ``stage``: the last it reaches, of ``listed``, ``quoted``, ``checked``
    and ``found``, or empty when it is not listed. ``least_percent`` and ``most_percent`` are the window of profit, ``most_percent`` None without cap.
    ``affordable_cents``: the highest price for which the best bid would pay; None without a quote. ``cheapest``: no other of its kind costs less.
    ``orders`` are those of the title, ``fitting`` of them accept the item, the best at ``bid_cents``. ``ways`` are its exits, whatever they leave.
    ``best`` is the one that leaves the most within the window, else of all, be it a loss; ``assessment`` weighs it. Both are None without any.
    """

    game: Game
    level: Level
    offer_id: str
    title: str
    verdict: str
    stage: str
    at: float
    least_percent: float
    most_percent: float | None
    market: str = ""
    phase: str = ""
    price_cents: int | None = None
    quote: Quote | None = None
    affordable_cents: int | None = None
    cheapest: bool = False
    orders: int = 0
    fitting: int = 0
    bid_cents: int | None = None
    sales_30d: int = 0
    median_cents: int | None = None
    next_ask_cents: int | None = None
    ways: tuple[Way, ...] = ()
    found: Opportunity | None = None
    best: Opportunity | None = None
    offer: Offer | None = None
    assessment: Assessment | None = None


def trace(query: ScanQuery, offer_id: str, known: Known, now: float) -> Explanation:
    """The way of an offer through a scan of its title (``query.title``), as things are at ``now`` (unix seconds)."""
    offer = next((one for one in known.offers if one.offer_id == offer_id), None)
    window = profit_window(query)
    bare = Explanation(
        game=query.game,
        level=query.level,
        offer_id=offer_id,
        title=query.title,
        verdict="gone",
        stage="",
        at=now,
        least_percent=float(window.least),
        most_percent=None if window.most is None else float(window.most),
        quote=known.quote,
    )
    return bare if offer is None else _Case(query, offer, known, now).told(bare)


class _Case:
    """One offer with all that is known of it."""

    def __init__(self, query: ScanQuery, offer: Offer, known: Known, now: float) -> None:
        self._query, self._offer, self._known, self._now = query, offer, known, now
        self._targets = foreign(offer.title, known.targets, known.own_targets)
        self._seen = background(offer, known.offers, self._targets, known.sales, known.own_ids)
        figures = sales_figures(known.sales, offer.phase, now)
        self._evidence = Evidence(best_bid(offer, self._targets), figures, next(iter(self._seen.asks), None))
        self._window = profit_window(query)

    def told(self, bare: Explanation) -> Explanation:
        """The explanation with everything that is known of the offer."""
        offer, evidence = self._offer, self._evidence
        dropped, affordable = self._screened()
        outcome = dropped or self._decided(self._window)
        found = outcome if isinstance(outcome, Opportunity) else None
        anyhow = self._decided(ANY)
        best = found or (anyhow if isinstance(anyhow, Opportunity) else None)
        return msgspec.structs.replace(
            bare,
            verdict=outcome if isinstance(outcome, str) else FOUND,
            stage=FOUND if found else "listed" if dropped else "checked",
            phase=offer.phase,
            price_cents=offer.price_cents,
            affordable_cents=affordable,
            cheapest=evidence.next_ask_cents is None or offer.price_cents <= evidence.next_ask_cents,
            orders=len(self._targets),
            fitting=len(self._seen.bids or ()),
            bid_cents=evidence.bid_cents,
            sales_30d=evidence.sales.count,
            median_cents=evidence.sales.median_cents,
            next_ask_cents=evidence.next_ask_cents,
            ways=tuple(self._way(*way) for way in exits(offer, evidence, self._known.fees, self._now)),
            found=found,
            best=best,
            offer=offer,
            assessment=assess(best, self._seen, self._known.fees, self._now) if best else None,
        )

    def _screened(self) -> tuple[str | None, int | None]:
        """Why the scan's own table drops the offer before it asks for evidence, if it does; and what the best bid would pay for."""
        known, offer = self._known, self._offer
        table = Table(self._query, known.fees, Bands(*self._query.level.price_window), own_ids=known.own_ids, own_targets=(), now=self._now)
        table.read(one for one in known.offers if one.offer_id != offer.offer_id)
        before = dict(table.funnel.dropped)
        table.read([offer])
        refused = next((name for name, count in table.funnel.dropped.items() if count > before.get(name, 0)), None)
        if refused is not None:
            return refused, None
        (dossier,) = table.unquoted
        table.quote([dossier], {} if known.quote is None else {offer.title: known.quote})
        kept = any(case.offer.offer_id == offer.offer_id for case in dossier.cases)
        return (None if kept else "low"), dossier.cap

    def _decided(self, window: Profit) -> Opportunity | str:
        return decide(self._offer, self._evidence, self._known.fees, window, self._now, self._query.game)

    def _way(self, profit: int, way: Exit, price: int, fee: int) -> Way:
        buy = self._offer.price_cents
        percent = round(100 * profit / buy, 2)
        verdict = self._window.verdict(profit, buy)
        return Way(exit=way, price_cents=price, fee_cents=fee, profit_cents=profit, profit_percent=percent, verdict=verdict)
