"""Ask Docker about images, containers and volumes, and return typed answers."""
