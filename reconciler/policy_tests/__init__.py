"""Unit tests of policies: YAML files of tasks and expectations, held against what the planner makes of them.

`loader` reads the files, `runner` runs the tests, `schema` has the JSON Schema for editors. Everything here is pure but
for the reading of files; nothing talks to a cloud.
"""
