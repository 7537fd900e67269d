"""Many machines: a release is deployed to every node of a Docker Swarm, or to none. docs/fleet.md draws it."""
