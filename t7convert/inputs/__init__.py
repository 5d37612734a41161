"""What a network can be run with: shapes told by its modules, values drawn or read from a file."""
