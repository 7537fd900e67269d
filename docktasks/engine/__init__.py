"""Ask Docker: typed answers."""
