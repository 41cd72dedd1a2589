"""A whole Telegram of one's own on loopback: the Bot API as an aiogram bot uses it, and a chat page where people sit.

``options`` is light; the server and its aiohttp are loaded when ``serve`` is first asked for.
"""
