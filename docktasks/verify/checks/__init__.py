"""What is judged: one file a topic."""
