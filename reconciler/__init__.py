"""Declarative reconciler for media-processing tasks: YAML policies -> plan -> verified cancel and delete calls."""

__all__ = ["__version__"]

__version__ = "0.1.0"
