"""Judge what runs."""
