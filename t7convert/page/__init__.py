"""Self-contained HTML pages: one file, no network access, for phones, dark mode and keyboards."""
