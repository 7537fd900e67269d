"""The running container: what it may do, and how it lives. Modules by what is looked at."""

from docktasks.checks.container import confined, life

__all__ = ["confined", "life"]
