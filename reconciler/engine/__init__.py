"""The run: list scopes, plan, apply, verify. Asynchronous code lives here and in providers only."""
