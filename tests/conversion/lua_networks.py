"""Lua objects of the networks in ``models``, as the published definitions nest them."""

import numpy as np
import torch
from torch import nn

from t7convert.conversion.recognise import recognise
from t7convert.format.objects import ArrayPayload, LuaObject, LuaStorage, LuaTable, LuaTensor
from t7convert.lua.tree import build
from t7convert.models import BasicBlock, Bottleneck, PreActBottleneck, PreActShaResNet, ShaResNet
from t7convert.residual.shortcuts import PadShortcut


class LuaWriter:
    """Builds the Lua objects of a network of ``models``, as the published definitions nest them."""

    def __init__(self, *, package="nn", flat=False, inverse_std=False):
        self.package, self.inverse_std = package, inverse_std
        self.memory = {}
        self.pool = LuaStorage("torch.FloatStorage", 0, ArrayPayload(np.empty(0, "f4")))
        self.flat, self.values, self.used = flat, [], 0

    def finish(self):
        if self.flat:
            self.pool.size = self.used
            self.pool._payload = ArrayPayload(np.concatenate(self.values))

    def tensor(self, value):
        """One memory for one Parameter; in one storage for all if ``flat``."""
        if id(value) not in self.memory:
            array = np.ascontiguousarray(value.detach().numpy(), "f4").reshape(-1)
            offset, storage = self.used, self.pool
            if self.flat:
                self.values.append(array)
                self.used += array.size
            else:
                payload = ArrayPayload(array)
                offset, storage = 0, LuaStorage("torch.FloatStorage", array.size, payload)
            self.memory[id(value)] = (value, offset, storage)
        _, offset, storage = self.memory[id(value)]
        return LuaTensor(
            "torch.FloatTensor", tuple(value.shape), value.contiguous().stride(), offset, storage
        )

    def object(self, name, package="nn", version=1, **fields):
        table = LuaTable({"_type": "torch.FloatTensor", "train": True, **fields})
        return LuaObject(f"{package}.{name}", table, version=version)

    def container(self, name, children, **fields):
        modules = LuaTable(dict(enumerate(children, start=1)))
        return self.object(name, modules=modules, **fields)

    def sequential(self, *children):
        return self.container("Sequential", children)

    def conv(self, conv):
        return self.object(
            "SpatialConvolution",
            self.package,
            weight=self.tensor(conv.weight),
            nInputPlane=conv.in_channels,
            nOutputPlane=conv.out_channels,
            **self.window(conv),
        )

    def window(self, module):
        both = {}
        for short, name in (("k", "kernel_size"), ("d", "stride"), ("pad", "padding")):
            value = getattr(module, name)
            height, width = value if isinstance(value, tuple) else (value, value)
            both |= {f"{short}H": height, f"{short}W": width}
        return both

    def norm(self, norm):
        fields = {name: self.tensor(getattr(norm, name)) for name in ("weight", "bias")}
        fields["running_mean"] = self.tensor(norm.running_mean)
        if self.inverse_std:
            std = (norm.running_var.double() + norm.eps).rsqrt().float()
            self.memory[id(norm), "std"] = std  # kept alive: memory goes by id
            fields["running_std"] = self.tensor(std)
        else:
            fields["running_var"] = self.tensor(norm.running_var)
        version = 1 if self.inverse_std else 2
        settings = {"eps": norm.eps, "momentum": norm.momentum, "affine": True}
        return self.object("SpatialBatchNormalization", version=version, **settings, **fields)

    def relu(self):
        return self.object("ReLU", self.package, inplace=True, threshold=0, val=0)

    def average(self, pool, package=None):
        package = package or self.package
        fields = {"ceil_mode": False, "mode": "AVERAGE"}
        if package == "nn":
            fields = {"ceil_mode": False, "count_include_pad": True, "divide": True}
        return self.object("SpatialAveragePooling", package, **self.window(pool), **fields)

    def shortcut(self, downsample, bare):
        if downsample is None:
            return self.object("Identity")
        if isinstance(downsample, PadShortcut):
            branches = (self.object("Identity"), self.object("MulConstant", constant_scalar=0))
            padding = self.container("Concat", branches, size=LuaTable(), dimension=2)
            return self.sequential(self.average(downsample.pool, "nn"), padding)
        if len(downsample) == 1:
            conv = self.conv(downsample[0])
            return conv if bare else self.sequential(conv)
        return self.sequential(self.conv(downsample[0]), self.norm(downsample[1]))

    def fork(self, main, side):
        fork = self.container("ConcatTable", (self.sequential(*main), side))
        return [fork, self.object("CAddTable", inplace=True)]

    def block(self, block):
        count = 3 if hasattr(block, "conv3") else 2
        pairs = [
            (self.conv(getattr(block, f"conv{i}")), self.norm(getattr(block, f"bn{i}")))
            for i in range(1, count + 1)
        ]
        if isinstance(block, (BasicBlock, Bottleneck)):
            main = [layer for conv, norm in pairs for layer in (conv, norm, self.relu())][:-1]
            side = self.shortcut(block.downsample, bare=False)
            return self.sequential(*self.fork(main, side), self.relu())
        main = [layer for conv, norm in pairs for layer in (norm, self.relu(), conv)]
        if isinstance(getattr(block, "dropout", None), nn.Dropout):
            main.insert(-1, self.object("Dropout", p=block.dropout.p, v2=True, inplace=True))
        side = self.shortcut(block.downsample, bare=not isinstance(block, PreActBottleneck))
        early = [] if block.downsample is None else [main.pop(0), main.pop(0)]
        return self.sequential(*early, *self.fork(main, side))

    def network(self, network):
        layers = [self.conv(network.conv1)]
        if isinstance(network, ShaResNet):
            layers += [self.norm(network.bn1), self.relu()]
            if isinstance(network.maxpool, nn.MaxPool2d):
                layers.append(self.object("SpatialMaxPooling", **self.window(network.maxpool)))
        for stage in network.stages:
            layers.append(self.sequential(*(self.block(block) for block in stage)))
        if isinstance(network, PreActShaResNet):
            layers += [self.norm(network.bn1), self.relu()]
        features = network.fc.in_features
        size = LuaStorage("torch.LongStorage", 1, ArrayPayload(np.array([features])))
        view = self.object("View", size=size, numInputDims=3, numElements=features)
        weights = {"weight": self.tensor(network.fc.weight), "bias": self.tensor(network.fc.bias)}
        layers += [self.average(network.avgpool), view, self.object("Linear", **weights)]
        root = self.sequential(*layers)
        self.finish()
        return root


def randomise(network):
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_var, 0.5, 2)
            for value in (module.weight, module.bias, module.running_mean):
                nn.init.normal_(value)
    return network.eval()


def recognised(obj, path=""):
    found = recognise(build(obj, path))
    found.binder.materialise()
    for module in found.network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.num_batches_tracked = torch.tensor(0)
    return found.network.eval()


def small(block=BasicBlock, layers=(2, 2), **options):
    settings = {"widths": (4, 8), "stem_width": 4, "pool": 2, "num_classes": 5}
    return ShaResNet(block, layers, **{**settings, **options})


def modules(obj):
    return obj["modules"]


def spatial(root, stage, block):
    fork = modules(modules(modules(root)[4 + stage])[block])[1]
    return modules(modules(fork)[1])[4]
