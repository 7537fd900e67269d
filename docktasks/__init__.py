"""The logic behind tasks.py. Nothing here imports invoke: commands run through the runner they are given."""
