"""What the running container may do, and how it behaves. One module a topic."""

REPLACE = "Replace the container: invoke run-prod --force-recreate"
"""What repairs a container that was started in another way, or changed since. Nothing else has changed, so a plain
run-prod would do nothing."""
