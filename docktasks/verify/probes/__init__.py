"""How one looks."""
