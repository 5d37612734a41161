"""A network as Python source that a person could have written."""
