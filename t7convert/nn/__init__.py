"""PyTorch modules of our own, where torch.nn has no equal. They know nothing of Lua files."""
