"""What the running container may do, and how it behaves. One module a topic."""
