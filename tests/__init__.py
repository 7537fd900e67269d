"""A package, for a library that a judge needs (sniffpy) installs one of this name, which would be found first."""
