"""The command line: one file per command; each parses, calls and renders, and holds no logic of its own."""
