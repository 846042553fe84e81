"""A resource type, described."""
