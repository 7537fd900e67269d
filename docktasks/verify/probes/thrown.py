"""What scripts of a page throw, and whether the machine is to blame."""

from __future__ import annotations

import re

FAILED_MODULE = re.compile(r"(?:imported module|preload CSS for)[: ]+(\S+)")
"""What a browser and Vite say about a module that does not load, with its address."""
_OF_CODE = re.compile(
    r"Dynamic require|\b(?:Reference|Syntax)Error\b|\bTypeError\b"
    r"(?!: (?:failed to fetch|fetch failed|network error|load failed|failed to (?:register|update) a serviceworker)\b)",
    re.IGNORECASE,
)
"""Errors of a script, whichever words are in them. A request that gets no answer is a TypeError, too."""
_OF_MACHINE = re.compile(
    r"\b(?:NotAllowed|NotSupported|NotReadable|Abort|Security|Timeout|QuotaExceeded|Network)Error\b|\bfailed to fetch\b"
    r"|\bfetch failed\b|\bnetwork error\b|\bload failed\b|\brequested device\b|\bERR_|\bECONN|\bstatus code\b"
    r"|\btimed out\b|\btimeout of\b|\bwebsocket\b|\bserviceworker\b|\bwebgl2?\b|\b(?:web)?gpu\b|\baudio ?context\b"
    r"|\bpermission denied\b|\bnot supported\b|\bnot implemented on\b|\bResizeObserver loop\b",
    re.IGNORECASE,
)
"""Errors that come from what a machine lacks: an API, another host, a device, a click of a visitor. A page also works
without its service worker, which may load scripts of another host."""


def is_of_machine(text: str) -> bool:
    """Return True for an error that comes from what this machine lacks, and not from the script that throws it."""
    return bool(_OF_MACHINE.search(text)) and not _OF_CODE.search(text)
