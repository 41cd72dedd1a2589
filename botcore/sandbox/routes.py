"""Which path is answered by what. 404 for the unknown, 410 for the retired (api page, sections 9 and 12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botcore.sandbox.account import Account
from botcore.sandbox.answers import Answer, json_answer, not_found, retired
from botcore.sandbox.book import Book
from botcore.sandbox.listing import Listing
from botcore.sandbox.render import Renderer
from botcore.sandbox.trading import Trading

if TYPE_CHECKING:
    from collections.abc import Callable

    from botcore.sandbox.world import World

__all__ = ["Routes"]

_TARGETS = "/marketplace-api/v1/targets-by-title/"
_DEPOSIT = "/marketplace-api/v1/deposit-status/"
_RETIRED = frozenset(
    (
        "/exchange/v1/market/items",
        "/exchange/v1/user/offers",
        "/exchange/v1/user/items",
        "/exchange/v1/user/targets",
        "/exchange/v1/offers-by-title",
        "/price-aggregator/v1/aggregated-prices",
        "/marketplace-api/v1/user-inventory",
        "/marketplace-api/v1/user-offers",
        "/marketplace-api/v1/user-targets",
        "/marketplace-api/v1/last-sales",
    )
)

Pairs = list[tuple[str, str]]


class Routes:
    """Answers a request that has passed signature and quota; raises Refusal for bad parameters."""

    def __init__(self, world: World, integers: str, public_key: str) -> None:
        renderer = Renderer(world, integers)
        self._listing = Listing(world, renderer)
        self._book = Book(world, text=integers == "string")
        self._account = Account(world, renderer, public_key)
        self._trading = Trading(world)
        self._reads = self._read_routes()
        self._writes = self._write_routes()

    def is_retired(self, path: str) -> bool:
        """Whether a path was served once and is gone, whoever asks."""
        return path in _RETIRED

    def answer(self, method: str, path: str, pairs: Pairs, body: bytes) -> Answer:
        """The answer to one request. ``path`` is decoded; a title at its end may hold slashes."""
        if path in _RETIRED:
            return retired()
        params = dict(reversed(pairs))  # the first of several values counts
        if method == "GET" and path.startswith(_TARGETS):
            game, _, title = path.removeprefix(_TARGETS).partition("/")
            return json_answer(self._book.targets_by_title(game, title))
        if method == "GET" and path.startswith(_DEPOSIT):
            return json_answer(self._trading.deposit_status(path.removeprefix(_DEPOSIT)))
        if method == "GET" and path in self._reads:
            return _packed(self._reads[path](params, pairs))
        if (method, path) in self._writes:
            return json_answer(self._writes[method, path](body))
        return not_found(path)

    def _read_routes(self) -> dict[str, Callable[[dict[str, str], Pairs], Any]]:
        account, trading = self._account, self._trading
        return {
            "/marketplace-api/v2/offers": lambda params, _: self._listing.page(params),
            "/trade-aggregator/v1/last-sales": self._book.last_sales,
            "/exchange/v1/customized-fees": lambda params, _: self._book.fees(params),
            "/account/v1/user": lambda *_: account.profile(),
            "/account/v1/balance": lambda *_: account.balance(),
            "/marketplace-api/v2/user/inventory": lambda params, _: account.inventory(params),
            "/marketplace-api/v2/user/offers": lambda params, _: account.offers(params),
            "/marketplace-api/v2/user/targets": lambda params, _: account.targets(params),
            "/marketplace-api/v1/user-offers/closed": account.closed_offers,
            "/marketplace-api/v1/user-targets/closed": account.closed_targets,
            "/marketplace-api/v2/deposit-blocked-titles": lambda params, _: trading.blocked_titles(params),
        }

    def _write_routes(self) -> dict[tuple[str, str], Callable[[bytes], Any]]:
        trading = self._trading
        return {
            ("POST", "/marketplace-api/v1/aggregated-prices"): self._book.aggregated_prices,
            ("PATCH", "/exchange/v1/offers-buy"): trading.buy,
            ("POST", "/marketplace-api/v2/offers:batchCreate"): trading.create_offers,
            ("POST", "/marketplace-api/v2/offers:batchUpdate"): trading.update_offers,
            ("POST", "/marketplace-api/v2/offers:batchDelete"): trading.delete_offers,
            ("POST", "/marketplace-api/v1/user-targets/create"): trading.create_targets,
            ("POST", "/marketplace-api/v1/user-targets/delete"): trading.delete_targets,
            ("POST", "/marketplace-api/v1/user-inventory/sync"): trading.sync_inventory,
            ("POST", "/marketplace-api/v1/deposit-assets"): trading.deposit,
            ("POST", "/exchange/v1/withdraw-assets"): trading.withdraw,
        }


def _packed(value: Any) -> Answer:
    return Answer(value) if isinstance(value, bytes) else json_answer(value)
