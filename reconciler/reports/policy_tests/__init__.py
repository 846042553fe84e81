"""What the unit tests of policies came to."""
