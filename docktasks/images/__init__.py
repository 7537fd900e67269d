"""Build images."""
