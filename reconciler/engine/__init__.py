"""The run: list scopes, plan, apply, verify."""
