"""The running container: what it may do, and how it lives. Modules by what is looked at."""

from docktasks.verify.checks.container import hardening, lifecycle, assets  # noqa: I001 - in the order of a table

__all__ = ["assets", "hardening", "lifecycle"]
