"""What a user gets: judged from outside, at the published address. One module a topic.

With an address alone, the site's files are those that its page, scripts and styles name; where the image is at hand,
also all that it ships. Every file is asked for under every coding. What is asked beyond that (HEAD, ranges, conditional
requests) is asked of every file of a site of up to kinds.DEEP files, else of so many of them, spread over the types.
"""

# Each loads its checks, in the order of a table: from the files to what is refused.
from docktasks.verify.checks.http import files, routing, caching, compression, headers, abuse  # noqa: I001 - as said

__all__ = ["abuse", "caching", "compression", "files", "headers", "routing"]
