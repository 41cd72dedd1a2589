"""What the bot answers: one router for each concern, built for each bot."""

from __future__ import annotations

from aiogram import Router

from botcore.bot.desk import Desk
from botcore.bot.handlers import errors, info, scan, talk, titles, watching, why

__all__ = ["routers"]


def routers(desk: Desk) -> list[Router]:
    """All routers, in the order in which they are asked; ``talk`` is last, since it also answers what nobody understood."""
    return [errors.router(desk), scan.router(desk), titles.router(desk), watching.router(desk), why.router(desk), info.router(desk), talk.router(desk)]
