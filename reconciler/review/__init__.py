"""The one comment on a pull or merge request: what it should say, what is there, and the way to it."""
