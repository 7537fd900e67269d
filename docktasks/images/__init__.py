"""Build images: the base images, the build context, the build, and the tags of releases."""
