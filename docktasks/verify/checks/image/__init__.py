"""What the image is, before anything runs. One module a topic."""
