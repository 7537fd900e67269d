"""What the image is, before anything runs. One module a topic."""

# Each loads its checks, in the order of a table: from how it is run to what it is made of.
from docktasks.verify.checks.image import metadata, contents, site  # noqa: I001 - as said

__all__ = ["contents", "metadata", "site"]
