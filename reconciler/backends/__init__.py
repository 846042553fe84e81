"""Runs, journal and locks in SQLite or PostgreSQL, through one SQLAlchemy Core schema."""
