"""The logic behind tasks.py, in rooms: docs/architecture.md draws them."""

__version__ = "1.0.0"
"""The version of the package, too: pyproject.toml reads it."""
