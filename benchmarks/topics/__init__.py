"""What can be measured. To add a topic, write its module here (benchmarks/harness.py says how) and name it."""

TOPICS = ("build", "start", "serving", "settings", "first_load", "swap", "hot_reload", "verify", "overhead", "growth")
"""The modules of this folder, in the order in which they are measured and told."""
