"""What the policies make of one task."""
