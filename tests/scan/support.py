"""What the tests of the scanner share: a scanner at a sandbox market, and a go-between that bends the market's answers."""

from __future__ import annotations

import asyncio
import math
import ssl
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec

from botcore.client import DMarketClient, KeyPair, PoolOptions, Quota, QuotaOptions, RetryOptions
from botcore.errors import ScanFailed
from botcore.model import Opportunity, ScanQuery
from botcore.sandbox import MarketOptions, serve_market
from botcore.scan import Scanner, ScanOptions
from tests.client.support import Answer, JumpingTime, Waits, raw_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from botcore.sandbox import MarketServer, World

LISTING, QUOTES, SALES = "/marketplace-api/v2/offers", "/marketplace-api/v1/aggregated-prices", "/trade-aggregator/v1/last-sales"
TARGETS, FEES = "/marketplace-api/v1/targets-by-title/", "/exchange/v1/customized-fees"
OWN_OFFERS, OWN_TARGETS = "/marketplace-api/v2/user/offers", "/marketplace-api/v2/user/targets"
CALM = MarketOptions(seed=5, size=2_000, latency=0.0, limits=False)
PLENTY = QuotaOptions(market=2000, sales=2000, fee=2000, other=2000)


class Truth(msgspec.Struct):
    """What a perfect scan would find, and how many offers the window lists."""

    opportunities: list[Opportunity]
    listed: int


class Desk:
    """A sandbox market, a client of it and a scanner."""

    def __init__(self, server: MarketServer, client: DMarketClient, scanner: Scanner, control: httpx.AsyncClient) -> None:
        self.server, self.client, self.scanner, self.control = server, client, scanner, control

    async def scan(self, game, level, **query):
        """The report of a scan, which must add up."""
        report = await self.scanner.scan(ScanQuery(game, level, **query))
        adds_up(report)
        return report

    def with_options(self, **options) -> Scanner:
        return Scanner(self.client, ScanOptions(**options))

    async def truth(self, game, level, **params):
        answer = await self.control.get("/sandbox/truth", params={"game": game, "level": level, **params})
        return msgspec.json.decode(answer.content, type=Truth)

    async def asked(self, path: str) -> Any:
        return (await self.control.get(f"/sandbox/{path}")).json()

    async def tell(self, path: str, body: Any = None) -> Any:
        return (await self.control.post(f"/sandbox/{path}", json=body)).json()


@asynccontextmanager
async def client_at(address: str, keys: KeyPair, *, quota: Quota | None = None, attempts: int = 4, **pool: Any) -> AsyncIterator[DMarketClient]:
    """A client for which quotas and the pauses between attempts take no time."""
    time = JumpingTime()
    quota = quota or Quota(PLENTY, clock=time.clock, call_later=time.call_later)
    async with DMarketClient(address, keys, pool=PoolOptions(**pool), quota=quota, retry=RetryOptions(attempts=attempts), sleep=Waits()) as client:
        yield client


@asynccontextmanager
async def desk_at(market: MarketOptions = CALM, *, world: World | None = None, scan: ScanOptions | None = None, **client: Any) -> AsyncIterator[Desk]:
    """A market of one's own, with all that is needed to scan it."""
    async with serve_market(market, world=world) as server:
        address = server.address
        keys = KeyPair.parse(address.public_key, address.secret_key)
        tls = ssl.create_default_context(cafile=address.ca_file) if address.ca_file else False
        async with (
            httpx.AsyncClient(base_url=address.url, verify=tls) as control,
            client_at(address.url, keys, ca_file=address.ca_file, **client) as made,
        ):
            yield Desk(server, made, Scanner(made, scan), control)


class Asked(NamedTuple):
    """A request as the go-between saw it."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes

    @property
    def stage(self) -> str:
        if self.path == LISTING:
            return "next ask" if "title" in self.query else "listing"
        return "targets" if self.path.startswith(TARGETS) else {QUOTES: "quotes", SALES: "sales", FEES: "fees"}.get(self.path, self.path)


class Between:
    """Stands between client and market: keeps what was asked, and lets a test hold or bend every answer.

    ``bend`` gets the request and the market's answer and gives the answer to send, bytes to send as they are, or None
    to cut the line. ``hold`` is awaited before a request goes on to the market.
    """

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream)
        self.log: list[Asked] = []
        self.flying: Counter[str] = Counter()
        self.most_flying: Counter[str] = Counter()
        self.bend: Callable[[Asked, Answer], Answer | bytes | None] = lambda _, answer: answer
        self.hold: Callable[[Asked], Awaitable[object]] = lambda _: asyncio.sleep(0)

    def stages(self) -> Counter[str]:
        return Counter(asked.stage for asked in self.log)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            method, target, _ = lines[0].split(" ")
            headers = [tuple(line.split(": ", 1)) for line in lines[1:-2]]
            body = await reader.readexactly(int({name.lower(): text for name, text in headers}.get("content-length", "0")))
            path = urlsplit(target)
            asked = Asked(method, path.path, {name: values[0] for name, values in parse_qs(path.query).items()}, body)
            answer = await self._tracked(asked, lines[0], headers, body)
            if answer is None:
                return
            writer.write(answer if isinstance(answer, bytes) else _rendered(answer))
            await writer.drain()

    async def _tracked(self, asked: Asked, line: str, headers: list[Any], body: bytes) -> Answer | bytes | None:
        self.log.append(asked)
        self.flying[asked.stage] += 1
        self.most_flying |= self.flying
        try:
            await self.hold(asked)
            return self.bend(asked, await self._forward(line, headers, body))
        finally:
            self.flying[asked.stage] -= 1

    async def _forward(self, line: str, headers: list[Any], body: bytes) -> Answer:
        """Ask the market the very same, so that the signature holds."""
        reader, writer = await asyncio.open_connection(self.upstream.hostname, self.upstream.port)
        kept = [f"{name}: {text}" for name, text in headers if name.lower() not in ("accept-encoding", "connection")]
        try:
            writer.write("\r\n".join([line, *kept, "Connection: close", "", ""]).encode("latin-1") + body)
            head, _, content = (await reader.read()).partition(b"\r\n\r\n")
        finally:
            writer.close()
        lines = head.decode("latin-1").split("\r\n")
        told = {name.lower(): text for name, text in (row.split(": ", 1) for row in lines[1:])}
        return Answer(content, int(lines[0].split(" ")[1]), (("date", told["date"]),), told.get("content-type", ""))


def _rendered(answer: Answer) -> bytes:
    headers = [*answer.headers, ("content-type", answer.kind), ("content-length", str(len(answer.body)))]
    return f"HTTP/1.1 {answer.status} X\r\n{''.join(f'{name}: {text}' + chr(13) + chr(10) for name, text in headers)}\r\n".encode() + answer.body


class BentDesk(NamedTuple):
    """A desk whose scanner asks through a go-between."""

    desk: Desk
    between: Between
    client: DMarketClient

    def scanner(self, **options: Any) -> Scanner:
        return Scanner(self.client, ScanOptions(**options))


@asynccontextmanager
async def bent(desk: Desk, **client: Any) -> AsyncIterator[BentDesk]:
    """The market of a desk behind a go-between."""
    address = desk.server.address
    between = Between(address.url)
    async with (
        raw_server(between.handle) as url,
        client_at(url, KeyPair.parse(address.public_key, address.secret_key), **client) as made,
    ):
        yield BentDesk(desk, between, made)


def changed(answer: Answer, **values: Any) -> Answer:
    """The answer with other values in its JSON."""
    return answer._replace(body=msgspec.json.encode(msgspec.json.decode(answer.body) | values))


def adds_up(report) -> None:
    """Every offer that was listed was found or dropped for a reason, and no stage has more than the one before."""
    funnel = report.funnel
    assert report.listed == funnel.listed == funnel.found + sum(funnel.dropped.values())
    assert funnel.listed >= funnel.quoted >= funnel.checked
    assert funnel.found == len(report.opportunities)
    assert report.opportunities == sorted(report.opportunities, key=lambda found: found.order)


def pages(offers: int) -> int:
    return max(1, math.ceil(offers / 100))


def still_running() -> list[str]:
    """The scanner's tasks that have not ended."""
    tasks = (task.get_coro() for task in asyncio.all_tasks())
    return [str(work) for work in tasks if "/botcore/scan/" in getattr(getattr(work, "cr_code", None), "co_filename", "")]


async def outcome(scanner: Scanner, query: ScanQuery):
    """The report of a scan however it ends, and the error when it failed. Nothing else may come out of a scan."""
    report, error = None, None
    try:
        report = await scanner.scan(query)
    except ScanFailed as failed:
        report, error = failed.report, failed
    assert report is not None
    assert error is None or str(error) == report.stopped
    assert error is None or error.opportunities == report.opportunities
    adds_up(report)
    left = still_running()
    assert left == [], left
    return report, error
