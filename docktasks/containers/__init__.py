"""Run containers."""
