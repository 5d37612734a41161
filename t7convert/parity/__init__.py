"""The parity check: the converted network beside the Lua module tree interpreted in NumPy."""
