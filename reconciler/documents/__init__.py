"""Plans, reports and snapshots as JSON documents: written from the classes that define them, and read back as those."""
