"""The terminal door. Commands are imported when they are used, so that ``botcore --help`` answers at once."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from botcore import __version__
from botcore.errors import BotcoreError, ConfigError

__all__ = ["COMMANDS", "main"]

COMMANDS = {
    "scan": "Look for underpriced offers once and show what was found.",
    "watch": "Watch for underpriced offers and tell of each as soon as it is listed.",
    "sandbox": "Run a sandbox market on this machine, to try everything without a key.",
    "bot": "Run the Telegram bot; without a token, on a Telegram of this machine.",
    "warm": "Fill the cache with fees, quotes and sales before they are needed.",
    "cache": "Show what the cache does, or empty it.",
    "db": "Look after the store: its tables, its size, what is old, a copy as Parquet.",
    "explain": "Tell how an offer fares at each stage of a scan, and why.",
    "history": "Draw what the store knows of a title: asks, bids and sales.",
    "config": "Show the settings in force, where each comes from, secrets masked.",
    "profile": "Show where a scan spends its time, work and waiting apart.",
    "sweep": "Measure how options change it, and choose the setting to use.",
    "bench": "Measure against the sandbox market and write a record.",
}
"""Each command's one-line help. Its code is ``command`` in the module of its name."""


class _Lazy(click.Group):
    """A group whose commands are imported when called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"botcore.cli.{cmd_name}").command
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, "-V", "--version", message="botcore %(version)s")
def _botcore() -> None:
    """Find underpriced items on the DMarket marketplace (CS2, Dota 2, TF2, Rust).

    Without keys every command works on a sandbox market that runs on this machine. For your own account set
    DMARKET_PUBLIC_KEY and DMARKET_SECRET_KEY, in the environment or in a file named .env.

    Exit codes: 0 done, 1 failed, 2 wrong use, 130 stopped by Ctrl-C.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    try:
        code = _botcore.main(args=arguments, prog_name="botcore", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except ConfigError as error:
        click.echo(f"botcore: {error}", err=True)
        sys.exit(2)
    except BotcoreError as error:
        click.echo(f"botcore: {error}", err=True)
        sys.exit(1)
    except OSError as error:  # a full disk behind standard output, most likely
        _forget_output()
        click.echo(f"botcore: {error}", err=True)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def _forget_output() -> None:
    """What could not be written would be tried again at exit, with a traceback."""
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a descriptor is wanted
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
