"""Remembers for good: scans, opportunities, prices and sales in SQLite or PostgreSQL."""
