"""One file a bench; each measures on real scans and writes a record."""
