"""Session scripts that run against a server and through weir, and must be answered alike; see README.md."""
