"""Look after a project's containers, images and volumes, and after the machine's Docker engine."""
