"""Lists: what can be listed, what an address asks of a list, saved views, and work on many rows at once."""
