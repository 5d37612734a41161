"""A PyTorch network, or one that came from a .t7, as the Lua modules of torch/nn."""
