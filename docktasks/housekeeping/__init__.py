"""Set up, show, stop, clean."""
