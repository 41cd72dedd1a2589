"""Measures: what the notebooks, the bot and the terminal draw and record."""
