"""Screening loses nothing: a table fed page by page, in any order, finds what looking at everything finds."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from botcore.fees import FeeBook, ReducedFee
from botcore.model import Exit, Game, Offer, Opportunity, OwnTarget, Quote, Sale, ScanQuery, Target
from botcore.scan.bands import Bands, Chain
from botcore.scan.match import DAY, Evidence, best_bid, decide, foreign, profit_window, sales_figures
from botcore.scan.table import Need, Table

NOW = 1_764_000_000
QUERY = ScanQuery(Game.CSGO, "standard", max_profit_percent=30, muted=frozenset({"Muted"}))
LOW, HIGH = QUERY.level.price_window
TITLES = ("A", "B", "Muted")
PHASES = ("", "ruby")
PAGE = 7


class Market:
    """A tiny market whose every fact is at hand."""

    def __init__(self, offers, targets, sales, fees, own_offers, own_targets, phantom):
        self.offers = [Offer(f"offer-{n}", f"asset-{n}", *rest) for n, rest in enumerate(offers)]
        self.targets, self.sales, self.fees = targets, sales, fees
        self.own_ids = frozenset(f"asset-{n}" for n in own_offers)
        self.own_targets, self.phantom = own_targets, phantom

    def quotes(self):
        found = {}
        for title in TITLES:
            prices = [offer.price_cents for offer in self.offers if offer.title == title and not offer.p2p]
            bids = [target.price_cents for target in self.targets.get(title, [])]
            if prices or bids:
                found[title] = Quote(title, min(prices, default=0), len(prices), max(bids, default=0) + self.phantom * bool(bids), len(bids))
        return found

    def next_ask(self, offer):
        rivals = [
            other.price_cents
            for other in self.offers
            if other.kind == offer.kind and other is not offer and not (other.p2p or other.locked or other.asset_id in self.own_ids)
        ]
        return min(rivals, default=None)

    def truth(self):
        found = []
        for offer in self.offers:
            if offer.p2p or offer.locked or offer.title == "Muted" or offer.asset_id in self.own_ids or not LOW <= offer.price_cents <= HIGH:
                continue
            book = foreign(offer.title, self.targets.get(offer.title, []), self.own_targets)
            evidence = Evidence(best_bid(offer, book), sales_figures(self.sales.get(offer.title, []), offer.phase, NOW), self.next_ask(offer))
            verdict = decide(offer, evidence, self.fees, profit_window(QUERY), NOW, QUERY.game)
            if isinstance(verdict, Opportunity):
                found.append(verdict)
        return sorted(found, key=lambda one: one.order)


class Reader:
    """Drives a table as a scan does, without a network."""

    def __init__(self, market, order):
        self.market, self.order = market, order
        self.bands = Bands(LOW, HIGH)
        self.table = Table(QUERY, market.fees, self.bands, own_ids=market.own_ids, own_targets=market.own_targets, now=NOW)
        self.open, self.asked, self.found = {}, [], []

    def run(self):
        flying: list[tuple[Chain, tuple[list[Offer], int, str]]] = []
        while not self.bands.done:
            while len(flying) < 3 and (chain := self.bands.next(2)) is not None:
                flying.append((chain, self.page(chain)))
            chain, (rows, total, cursor) = flying.pop(next(self.order) % len(flying))
            self.bands.landed(chain, [offer.price_cents for offer in rows], total, cursor)
            self.route(self.table.read(rows))
            if next(self.order) % 3 == 0:
                self.look()
        for chain, (rows, total, cursor) in flying:
            self.bands.landed(chain, [offer.price_cents for offer in rows], total, cursor)
            self.route(self.table.read(rows))
        for _ in range(10):
            self.look()
        assert not any(dossier.cases for dossier in self.open.values())
        return sorted(self.found, key=lambda one: one.order)

    def page(self, chain):
        rows = sorted(
            (offer for offer in self.market.offers if chain.low <= offer.price_cents <= chain.high),
            key=lambda offer: offer.price_cents,
            reverse=chain.descending,
        )
        start = int(chain.cursor or 0)
        return rows[start : start + PAGE], len(rows), str(start + PAGE) if start + PAGE < len(rows) else ""

    def look(self):
        batch, self.table.unquoted[:] = list(self.table.unquoted), []
        self.table.quote(batch, self.market.quotes())
        asked, self.asked = self.asked, []
        for need, phase, dossier in asked:
            self.answer(need, phase, dossier)
        self.route([*batch, *self.open.values()])

    def answer(self, need, phase, dossier):
        if need is Need.TARGETS:
            self.table.targets(dossier, self.market.targets.get(dossier.title, []))
        elif need is Need.SALES:
            self.table.sales(dossier, self.market.sales.get(dossier.title, []))
        else:
            self.table.rivals(dossier, phase, sorted(self.market.offers, key=lambda offer: offer.price_cents))
            self.table.asked(dossier, phase)

    def route(self, dossiers):
        for dossier in {id(dossier): dossier for dossier in dossiers}.values():
            needs, found = self.table.settle(dossier)
            self.found += found
            self.open[dossier.title] = dossier
            self.asked += [(need, phase, dossier) for need, phase in needs if need is not Need.WAIT]


def some_market(seed):
    """A market around one value a kind, near enough to the windows that exits, near misses and traps are all common."""
    chance = Random(seed)
    values = {(title, phase): chance.choice((LOW, HIGH, chance.randint(LOW, HIGH))) for title in TITLES for phase in PHASES}

    def near(title, phase, least, most):
        return round(values[title, phase] * chance.uniform(least, most))

    def offer():
        title, phase = chance.choice(TITLES), chance.choice(PHASES)
        age = datetime.fromtimestamp(NOW, UTC) - timedelta(hours=chance.randrange(3))
        flags = chance.random() < 0.2, chance.random() < 0.1
        return (title, phase, near(title, phase, 0.8, 1.15), age, *flags, None, chance.choice(("", "0.2", "0.3")), chance.choice((0, 5)))

    def target(title):
        wants = (chance.choice(("", "", "FT-1", "FT-4")), chance.choice(("", "", "ruby")), chance.choice(("", "", "", "5")))
        return Target(near(title, chance.choice(PHASES), 0.9, 1.12), chance.randint(1, 2), *wants)

    def sale(title):
        phase = chance.choice(PHASES)
        return Sale(near(title, phase, 0.95, 1.15), NOW - chance.randrange(40) * DAY, phase)

    def row():
        low = chance.randint(LOW, HIGH)
        return ReducedFee(Fraction(chance.randint(0, 8), 100), low, low + chance.randint(0, 300), NOW + chance.randint(-1, 7) * DAY)

    targets = {title: [target(title) for _ in range(chance.randrange(4))] for title in TITLES}
    own = [OwnTarget(title, one, active=chance.random() < 0.7) for title, book in targets.items() for one in book if chance.random() < 0.1]
    return Market(
        [offer() for _ in range(chance.randrange(20))],
        targets,
        {title: [sale(title) for _ in range(chance.randrange(40))] for title in TITLES},
        FeeBook(Game.CSGO, Fraction(chance.randint(0, 6), 100), 1, {"A": tuple(row() for _ in range(chance.randrange(3)))}),
        [n for n in range(30) if chance.random() < 0.05],
        own,
        chance.choice((0, 0, 40)),
    )


markets = st.builds(some_market, st.integers(0, 2**32))


def test_the_markets_of_this_test_hold_finds_of_both_exits():
    found = [one for seed in range(100) for one in some_market(seed).truth()]
    assert {one.exit for one in found} == set(Exit)
    assert len(found) > 50


def endless(numbers):
    while True:
        yield from numbers


@settings(max_examples=400, deadline=None)
@given(markets, st.lists(st.integers(0, 11), min_size=1, max_size=7))
def test_whatever_the_order_of_pages_and_answers_the_truth_is_found(market, order):
    reader = Reader(market, endless(order))
    assert reader.run() == market.truth()


@settings(max_examples=100, deadline=None)
@given(markets, st.lists(st.integers(0, 11), min_size=1, max_size=7))
def test_every_offer_read_is_found_or_dropped_for_a_reason(market, order):
    reader = Reader(market, endless(order))
    found = reader.run()
    funnel = reader.table.funnel
    assert funnel.found == len(found)
    assert funnel.listed == funnel.found + sum(funnel.dropped.values())
    assert funnel.found <= funnel.checked <= funnel.quoted <= funnel.listed
