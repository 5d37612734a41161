"""From a module tree to the objects of a .t7: every field that Torch7 writes for the classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from t7convert.errors import ConversionError, Problem
from t7convert.export.torch7.fields import Backend, Template, refusal, template_of, with_backend
from t7convert.export.torch7.graph import graph_fields, several_outputs
from t7convert.export.torch7.layout import FLOATING, Layout, in_todays_layout
from t7convert.export.torch7.parts import INVENTED
from t7convert.export.torch7.record import OLD_MARK, UNNEEDED
from t7convert.export.torch7.rules import long_storage, rule_for
from t7convert.format.objects import LuaFunction, LuaObject, LuaStorage, LuaTable, LuaTensor
from t7convert.lua import schema
from t7convert.lua.record import GradientOf, Record
from t7convert.lua.shrinking import NEEDED_GRADIENTS
from t7convert.lua.tree import LuaModule

#: Fields of a gModule that the graph's own objects stand for.
_WIRING = frozenset({"nodes", "input", "output_node", "modules", "nInputs"})


class Writer:
    """Makes the objects of a tree; the same module gives the same object."""

    def __init__(self, layout: Layout, *, backend: Backend | None, gradients: bool) -> None:
        self._layout = layout
        self._backend = backend
        self._gradients = gradients
        self._made: dict[int, tuple[LuaModule, LuaObject]] = {}
        self._kinds: dict[int, str] = {}
        self._copies: dict[int, tuple[Any, Any]] = {}
        self._around: list[LuaTable] = []
        self._queue: list[tuple[LuaModule, LuaObject]] = []
        self.problems: list[Problem] = []

    def write(self, root: LuaModule) -> LuaObject:
        """Return the object of the whole tree.

        Raises:
            ConversionError: listing every module that can't be written.
        """
        made = self._object(root)
        while self._queue:
            module, obj = self._queue.pop()
            try:
                self._fill(module, obj)
            except ConversionError as error:
                self.problems.extend(error.problems)
                for _, child in module.children():  # what can't be written below is listed too
                    self._object(child)
        for table in self._around:  # its gradInput is a table around its criterion's
            criterion = table.get("criterion")
            if isinstance(criterion, LuaObject) and "gradInput" in criterion.fields:
                table["gradInput"] = LuaTable({1: criterion["gradInput"]})
        if self.problems:
            raise ConversionError(self.problems)
        return made

    def _object(self, module: LuaModule) -> LuaObject:
        if id(module) not in self._made:
            obj = LuaObject(module.typename, LuaTable())
            self._made[id(module)] = module, obj  # the module too, so that its id stays its own
            own = module.kind if module.kind in FLOATING else None
            # what a rule makes for a module is of that module's type
            self._kinds[id(module)] = self._layout.kind_for(own or self._layout.kind, module)
            self._queue.append((module, obj))
        return self._made[id(module)][1]

    def _fill(self, original: LuaModule, obj: LuaObject) -> None:
        self._layout.kind, self._layout.module = self._kinds[id(original)], original
        record = original.record
        if record is not None and record.whole:
            self._fill_recorded(original, record, obj)
            return
        module = in_todays_layout(with_backend(original, self._backend), self._layout)
        template = template_of(module)
        obj.typename, obj.version = module.typename, template.version
        table = obj.fields
        common = {"_type": self._layout.kind, "train": False}
        for name in template.common:
            table[name] = common[name]
        known = self._remembered(original, module, template)
        if id(original) in self._layout.shared or known.pop("shared", False):
            table["shared"] = True
        own = self._own(module, template)
        invented = INVENTED.get(module.typename, frozenset())
        for name, value in own.items():
            if name not in invented:
                table[name] = self._value(value, module)
        if module.typename == "nn.gModule":
            for name, value in graph_fields(module, self._object).items():
                table[name] = value
        seen = {name: self._placed(value) for name, value in own.items()}
        for name, value in known.items():
            table[name] = value
        for name, how in template.fill.items():
            if name not in table:
                made = self._made_up(module, name, how, seen)
                if made is not None:
                    table[name] = made
        self._last(module, obj)

    def _last(self, module: LuaModule, obj: LuaObject) -> None:
        """Add what hangs on the other fields."""
        table = obj.fields
        if module.typename == "nn.gModule" and several_outputs(module):
            table["output"] = LuaTable()
        elif module.typename == "nn.CriterionTable":
            self._around.append(table)
        elif module.typename == "nn.GPU":
            obj.header = (LuaTable({1: self._layout.kind, 2: table["device"]}),)

    def _remembered(
        self, original: LuaModule, module: LuaModule, template: Template
    ) -> dict[str, Any]:
        """Return the fields in which the object of the file differs from what Torch7 writes."""
        record = {} if original.record is None else dict(original.record.fields)
        old_mark = record.pop(OLD_MARK, None)
        if old_mark is not None:
            record["shared"] = True
        if module.typename != original.typename:  # the other package's fields
            record = {name: value for name, value in record.items() if name == "shared"}
        return record

    def _fill_recorded(self, module: LuaModule, record: Record, obj: LuaObject) -> None:
        """Write a module with all the fields that its file had."""
        if self._backend == "nn" and module.typename.startswith("cudnn."):
            raise refusal(module, "nn has no class that computes the same")
        obj.version = module.version
        obj.header = tuple(self._recorded(value, module) for value in record.header)
        for name, value in record.fields.items():
            if name == OLD_MARK:
                obj.fields["shared"] = True
            elif name == "_type":
                obj.fields[name] = self._layout.kind
            elif name == "train":
                obj.fields[name] = False
            elif name in ("output", "gradInput") and isinstance(value, (LuaTensor, LuaTable)):
                obj.fields[name] = self._without_values(value)
            elif name not in UNNEEDED.get(module.typename, ()):
                made = self._recorded(value, module)
                if made is not None:
                    obj.fields[name] = made

    def _without_values(self, value: LuaTensor | LuaTable) -> Any:
        """Return an output as it was before the first pass: some constructors make tables."""
        if isinstance(value, LuaTable):
            inner = ((k, v) for k, v in value.items() if isinstance(v, (LuaTensor, LuaTable)))
            return LuaTable({key: self._without_values(item) for key, item in inner})
        return self._layout.empty(self._layout.kind_for(value.typename, self._layout.module))

    def _recorded(self, value: Any, owner: LuaModule) -> Any:
        if isinstance(value, LuaModule):
            return self._object(value)
        if isinstance(value, LuaTensor):
            return self._layout.recorded(value)
        if isinstance(value, GradientOf):
            return self._layout.gradient(value.parameter) if self._gradients else None
        if not isinstance(value, (LuaTable, LuaObject, LuaFunction)):
            return value
        if id(value) not in self._copies:
            self._copy(value, owner)
        return self._copies[id(value)][1]

    def _copy(self, value: LuaTable | LuaObject | LuaFunction, owner: LuaModule) -> None:
        if isinstance(value, LuaTable):
            table = LuaTable()
            self._copies[id(value)] = value, table
            for key, item in value.items():
                made = self._recorded(item, owner)
                if made is not None:
                    table[self._recorded(key, owner)] = made
        elif isinstance(value, LuaObject):
            obj = LuaObject(value.typename, version=value.version)
            self._copies[id(value)] = value, obj
            obj.payload = self._recorded(value.payload, owner)
            obj.header = tuple(self._recorded(item, owner) for item in value.header)
        else:
            function = LuaFunction(value.bytecode, tag=value.tag)
            self._copies[id(value)] = value, function
            function.upvalues = self._recorded(value.upvalues, owner)

    def _own(self, module: LuaModule, template: Template) -> dict[str, Any]:
        """Return the fields with a meaning under the names that today's Torch7 gives them."""
        own: dict[str, Any] = {}
        for name, value in module.fields.items():
            if value is None or (module.typename == "nn.gModule" and name in _WIRING):
                continue
            if name in module.spec.constants and self._left_out(module, template, name, value):
                continue
            if name in template.storages and isinstance(value, list):
                own[name] = long_storage(value)
                continue
            own[name] = value
        outtype = own.pop("outtype", None)  # the upgrade's name for the type of the output
        if outtype is not None:
            own["output"] = self._layout.empty(self._layout.kind_for(outtype, module))
        if "running_std" in own and "running_var" in template.own:
            own.setdefault("running_var", own["running_std"])
            del own["running_std"]
        return own

    def _left_out(self, module: LuaModule, template: Template, name: str, value: Any) -> bool:
        """Tell whether a constructor leaves nil, for which the tree has its default."""
        if name not in template.own:
            return bool(value == module.spec.constants[name])
        nothing = value is False or value == 0
        return name in template.optional and nothing and value == module.spec.constants[name]

    def _placed(self, value: Any) -> Any:
        return self._layout.tensor(value) if isinstance(value, LuaTensor) else value

    def _value(self, value: Any, owner: LuaModule) -> Any:
        if isinstance(value, LuaModule):
            return self._object(value)
        if isinstance(value, LuaTensor):
            return self._layout.tensor(value)
        if isinstance(value, list):
            items = (self._value(item, owner) for item in value)
            return LuaTable(dict(enumerate(items, start=1)))
        if isinstance(value, (dict, LuaTable)):
            return LuaTable({k: self._value(item, owner) for k, item in value.items()})
        if isinstance(value, GradientOf):
            return self._layout.gradient(value.parameter) if self._gradients else None
        if isinstance(value, np.ndarray):
            return self._layout.own(value)
        if isinstance(value, LuaFunction):
            raise refusal(owner, "one of its fields is a Lua function, which is not kept")
        if isinstance(value, LuaObject) and value.typename != "torch.Timer":
            raise refusal(owner, f"one of its fields is a {value.typename}, which is not kept")
        return value

    def _made_up(
        self, module: LuaModule, name: str, how: Mapping[str, Any], fields: Mapping[str, Any]
    ) -> Any:
        """Return a field that the constructor makes, None where this object has none."""
        if "gradient" in how:
            parameter = module.fields.get(how["gradient"])
            needed = self._gradients or (module.typename, name) in NEEDED_GRADIENTS
            return self._slope(parameter) if needed else None
        if "tensor" in how:
            if not how["tensor"]:
                return self._layout.empty(how.get("type"))
            like = self._layout.empty(how["type"]) if "type" in how else None
            return self._layout.own(np.full(how["tensor"], how["value"]), like)
        if "tensors" in how:
            items = (self._layout.zeros(size) for size in how["tensors"])
            return LuaTable(dict(enumerate(items, start=1)))
        if "table" in how:
            return LuaTable()
        if "words" in how:
            return LuaTable(dict(enumerate(how["words"], start=1)))
        if "storage" in how:
            return LuaStorage(how["storage"], how["size"], long_storage([0] * how["size"]).payload)
        if "object" in how:
            return self._plain(how["object"], module)
        if "value" in how:
            return how["value"]
        rule = rule_for(module.typename, name)
        if rule is None:
            raise refusal(module, f"its field {name} can't be made from the network")
        try:
            return self._value(rule(fields), module)
        except ValueError as error:
            raise refusal(module, str(error)) from error

    def _slope(self, parameter: Any) -> Any:
        if isinstance(parameter, list):
            slopes = (self._slope(item) for item in parameter)
            return LuaTable(dict(enumerate(slopes, start=1)))
        return self._layout.gradient(parameter) if isinstance(parameter, LuaTensor) else None

    def _plain(self, typename: str, owner: LuaModule) -> LuaObject:
        """Return a module without parameters, as its constructor makes it."""
        spec = schema.by_name(typename)
        if spec is None or spec.tensors or spec.children or spec.constants:
            raise refusal(owner, f"its {typename} can't be made")
        return self._object(LuaModule(typename, spec, owner.path))
