"""The reason why a check gives no verdict."""


class Skip(Exception):  # noqa: N818 - a verdict, not an error
    """A probe or a check cannot judge this subject. The message is the reason, and is shown to the user."""
