"""Configuration: YAML files to one checked `Configuration`, every mistake with its position.

`loader` has the two ways in, `schema` the JSON Schema, `model` the result. Nothing is imported here, so that the
model costs its users no YAML parser and no schema validator.
"""
