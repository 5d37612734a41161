"""The commands: one plain function each, returning an exit code. ``cli_*`` only parse."""
