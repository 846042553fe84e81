"""Selectors: the `match` of a policy, from plain data to a compiled, three-valued predicate."""
