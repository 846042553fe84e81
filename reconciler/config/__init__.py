"""Configuration: YAML files to one checked `Configuration`, every mistake with its position."""
