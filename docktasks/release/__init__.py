"""Build, gate, swap, roll back."""
