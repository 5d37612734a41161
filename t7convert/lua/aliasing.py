"""What Lua's modules do with memory: who overwrites its input, who returns a view of it."""

from __future__ import annotations

from t7convert.lua.tree import LuaModule


def names(words: str) -> frozenset[str]:
    """Return the words of a string: class names, written without quotes and commas."""
    return frozenset(words.split())


#: Modules whose output is their input, or a view of it. nn.Copy is one only between equal types;
#: Lua copies in Select, Narrow, Transpose and Padding.
VIEWS = names(
    """nn.Identity nn.View nn.Reshape nn.Contiguous nn.Squeeze nn.Unsqueeze nn.Collapse nn.Replicate
    nn.SelectTable nn.NarrowTable nn.FlattenTable nn.SplitTable nn.ZipTable nn.ZipTableOneToMany
    nn.PrintSize nn.GradientReversal nn.L1Penalty nn.ZeroGrad nn.Copy nn.Convert nn.CopyGrad
    nn.CategoricalEntropy nn.Probe nn.Tic nn.Toc nn.ContentLoss nn.StyleLoss nn.DeepDreamLoss
    nn.TotalVariation nn.NormStabilizer nngraph.JustElement nngraph.JustTable
    w2nn.PrintTable nn.ReverseTable nn.PushTable nn.PullTable nn.ContentLossModule
    nn.StyleINLossModule nn.TVLossModule nn.FeatExpander"""
)
#: Modules that overwrite their input without a flag for it.
ALWAYS = frozenset(("w2nn.InplaceClip01",))
#: In-place modules that put the old values back in their backward.
RESTORING = frozenset(("nn.AddConstant", "nn.MulConstant"))
#: Modules whose backward (or next step: nn.LSTM is torch-rnn's here) reads the output they gave.
READ_OUTPUT = names(
    """nn.Tanh nn.Sigmoid nn.SoftMax nn.LogSoftMax nn.SoftMin nn.SpatialSoftMax nn.SpatialLogSoftMax
    nn.Sqrt nn.Exp nn.ELU nn.SoftPlus cudnn.Tanh cudnn.Sigmoid cudnn.SoftMax cudnn.LogSoftMax
    cudnn.SpatialSoftMax cudnn.SpatialLogSoftMax nn.MultiSoftMax nn.Cosine nn.Euclidean
    nn.SeqLSTM nn.SeqLSTMP nn.SeqGRU nn.LSTM nn.VanillaRNN"""
)
#: In-place modules whose backward asks the memory that they wrote for no more than its sign.
_ASK_SIGN = names("nn.ReLU nn.LeakyReLU nn.RReLU nn.Threshold cudnn.ReLU")
#: In-place modules whose backward asks it for nothing.
_ASK_NOTHING = names("nn.CAddTable nn.Dropout nn.AddConstant nn.MulConstant")
#: In-place modules that keep the sign of what they overwrite, or restore it.
_KEEP_SIGN = _ASK_SIGN | names("nn.Dropout nn.ELU nn.AddConstant nn.MulConstant")
#: Modules to which Lua gives memory of their own where PyTorch may give a view of the input.
COPIES = names(
    """nn.Select nn.Narrow nn.Transpose nn.Convert nn.Copy nn.Dropout nn.SpatialDropout
    nn.VolumetricDropout onmt.VariationalDropout
    w2nn.Print"""
)


def is_in_place(module: LuaModule) -> bool:
    """Tell whether a module overwrites its input (CAddTable: the first entry)."""
    if module.spec.typename in ALWAYS:
        return True
    flag = module.fields.get("inplace", False)
    return flag is not False and not any(True for _ in module.children())


def asks_in_vain(first: LuaModule, second: LuaModule) -> bool:
    """Tell whether the backward of ``first`` misses what ``second`` overwrote in its memory."""
    asking, writing = first.spec.typename, second.spec.typename
    if asking in _ASK_NOTHING or writing in RESTORING:
        return False
    if writing == "nn.Dropout" and second.fields.get("v2") is True and asking not in _ASK_SIGN:
        return second.fields.get("train") is True
    return not (asking in _ASK_SIGN and writing in _KEEP_SIGN)
