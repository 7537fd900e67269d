"""The logic behind tasks.py. Nothing here imports invoke: commands run through the runner they are given."""

__version__ = "1.0.0"  # as in pyproject.toml, which nothing installs
