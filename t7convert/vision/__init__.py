"""Pictures in, labels and error rates out: preprocessing as Lua computed it, classify, eval.

Reading pictures needs Pillow: ``pip install "t7convert[vision]"``.
"""
