"""The catalogue's data, one file per family; each entry names the page that states it."""
