"""Providers: each cloud's client, auth flow and tables of resource types."""
