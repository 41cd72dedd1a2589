"""What a scan asks ahead of need: sales where their requests would lie idle, and all evidence of a few titles until something was found."""

from __future__ import annotations

from collections.abc import Iterable

from botcore.scan.table import Dossier, Need, Table

__all__ = ["Hopes", "likeliest"]

LIKELY = 0.5
"""How much of what could rule a title out must have been read before its sales are asked for ahead of time."""
HOPES = 4
"""Titles whose evidence is asked for all at once, before the first find."""


def likeliest(table: Table, waiting: Iterable[Dossier], room: int) -> list[Dossier]:
    """Up to ``room`` of the titles that wait, those first that hardly anything can rule out any more."""
    chances = sorted(((table.chance(dossier), dossier.title, dossier) for dossier in waiting), key=lambda one: one[:2], reverse=True)
    return [dossier for chance, _, dossier in chances[:room] if chance >= LIKELY]


class Hopes:
    """Hands out what is asked of titles that promise the first find, for a few titles altogether."""

    def __init__(self) -> None:
        self._left = HOPES

    def of(self, table: Table, dossier: Dossier) -> set[tuple[Need, str]]:
        """All evidence at once for a title whose quote promises a find, so that the first comes early; nothing for any other.

        Where the sales are remembered the first find is near anyway, and nothing is asked that may not be needed.
        """
        phases = table.hopes(dossier) if self._left and dossier.sales is None else set()
        if not phases:
            return set()
        self._left -= 1
        dossier.hoped = True
        return {(Need.TARGETS, ""), (Need.SALES, ""), *((Need.ASK, phase) for phase in phases)}
