"""What a user gets from outside, at the published address. One module a topic."""
