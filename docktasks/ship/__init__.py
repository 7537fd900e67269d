"""What goes to a registry and comes from one: the image that is pushed, its record, and the proof of what is served."""
