"""The Telegram door: scans on demand, finds as they come, alerts. Nothing here is loaded before the bot starts."""
