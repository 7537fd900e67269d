"""A package, because a library of a judge (sniffpy) installs a package `tests`, which Python would find first."""
