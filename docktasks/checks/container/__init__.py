"""The running container: what it may do, and how it lives. Modules by what is looked at."""

from docktasks.checks.container import confined, life, carried  # noqa: I001 - in the order of a table

__all__ = ["carried", "confined", "life"]
