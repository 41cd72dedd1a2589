"""``botcore sandbox``: a market on this machine."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import msgspec
from rich.console import Console

from botcore.sandbox import MarketAddress, MarketOptions, run

__all__ = ["command"]


@click.command("sandbox", short_help="Run a sandbox market on this machine.")
@click.option("--seed", type=int, default=1, show_default=True, help="The world's seed: the same seed gives the same world.")
@click.option("--size", type=click.IntRange(min=0), default=40_000, show_default=True, help="Offers in all four games together.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="Port on 127.0.0.1; 0 takes a free one.")
@click.option("--latency", type=click.FloatRange(min=0), default=0.15, show_default=True, help="Seconds until an answer.")
@click.option("--jitter", type=click.FloatRange(min=0), default=0.0, show_default=True, help="Spread of the latency: sigma of a lognormal, 0 for steady.")
@click.option("--churn", type=click.FloatRange(min=0), default=0.0, show_default=True, help="Offers listed, sold or repriced, a second.")
@click.option("--chaos", type=click.Choice(["off", "mild", "storm"]), default="off", show_default=True, help="Errors, resets, stalls and torn answers.")
@click.option("--limits", type=click.Choice(["on", "off"]), default="on", show_default=True, help="Whether DMarket's request quotas are enforced.")
@click.option("--tls", is_flag=True, help="Serve HTTPS, with HTTP/2, by a certificate made for the occasion.")
@click.option(
    "--prices", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=None, help="Build the world around these titles and prices (JSON or CSV)."
)
@click.option("--json", "as_json", is_flag=True, help="Print the address and keys as one JSON line.")
def command(*, limits: str, prices: Path | None, as_json: bool, **options: object) -> None:
    """Run a market on 127.0.0.1 that speaks DMarket's API, with invented items and money, until Ctrl-C.

    It prints throw-away keys; set the three variables it shows and every botcore command uses it. The file for --prices
    needs a title (or item_name), a game and a price in dollars in each row.
    """
    made = msgspec.convert({**options, "limits": limits == "on", "prices": str(prices.resolve()) if prices else None}, type=MarketOptions)
    run(made, _print_json if as_json else _print)


def _print_json(address: MarketAddress) -> None:
    sys.stdout.write(msgspec.json.encode(address).decode() + "\n")
    sys.stdout.flush()


def _print(address: MarketAddress) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[bold]A sandbox market listens on {address.url}[/bold]. Items, prices and money are invented.\n")
    console.print("In another terminal:\n")
    for name, value in _variables(address):
        console.print(f"  export {name}={value}")
    console.print("  botcore scan\n")
    console.print(f"What it served: {address.url}/sandbox/served   The true opportunities: {address.url}/sandbox/truth?game=csgo&level=standard", style="dim")
    console.print("Ctrl-C ends it.", style="dim")


def _variables(address: MarketAddress) -> list[tuple[str, str]]:
    rows = [("DMARKET_URL", address.url), ("DMARKET_PUBLIC_KEY", address.public_key), ("DMARKET_SECRET_KEY", address.secret_key)]
    return [*rows, ("BOTCORE_POOL_CA_FILE", address.ca_file)] if address.ca_file else rows
