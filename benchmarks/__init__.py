"""Our published figures, each re-runnable with `make bench`."""
