"""Plans and reports for a terminal."""
