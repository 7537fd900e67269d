"""The dev container's life."""
