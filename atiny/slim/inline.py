"""Puts the body of a function that one place calls in that place: what the function and the call take is saved.

Which functions: those of the package's own that a name stands for but once in the whole build, as ``self._name(...)``
in a method of the same class, or as ``name(...)`` in the same module. Which places: those where what the body does
comes in the same order as before. Where the call ends the function around it, that may be any body; elsewhere one that
returns at its end only; one that is an expression goes everywhere.
"""

import ast
from collections import Counter

from .external import MEMBERS
from .links import Links
from .strings import Strings
from .surface import Surface
from .tree import Build, Function, Module, at, copied, fill, has_yield, is_pure, own_nodes

# A function keeps so many names in slots that one byte addresses.
_MOST_LOCALS = 20
_INNER = (*Function, ast.Lambda, ast.ClassDef, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_BINDING = (ast.Global, ast.Nonlocal, ast.Import, ast.ImportFrom, ast.NamedExpr)


def inline(build: Build, surface: Surface) -> None:
    """Inline to a fixpoint."""
    while _Round(build, surface).run():
        pass


class _Round:
    """One pass over the build: each function takes in one other at most."""

    def __init__(self, build: Build, surface: Surface):
        self.build = build
        self.kept = surface.names | surface.exports | build.plan.public
        self.strings = Strings(build, Links(build))
        self.defined: "Counter[str]" = Counter()
        self.named: "Counter[str]" = Counter()
        for module in build:
            for node in ast.walk(module.tree):
                if isinstance(node, (*Function, ast.ClassDef)):
                    self.defined[node.name] += 1
                elif isinstance(node, ast.Attribute):
                    self.named[node.attr] += 1
                elif isinstance(node, ast.Name):
                    self.named[node.id] += 1
                elif isinstance(node, ast.alias):
                    self.named[node.name] += 1
                elif isinstance(node, ast.arg):
                    self.defined[node.arg] += 1
                elif isinstance(node, ast.keyword) and node.arg:
                    self.named[node.arg] += 1

    def run(self) -> bool:
        """Returns whether there was something."""
        found = [self._module(module) for module in self.build]  # of each, not only up to the first
        return True in found

    def _module(self, module: Module) -> bool:
        bodies: "list[tuple[ast.ClassDef | None, list[ast.stmt]]]" = [(None, module.tree.body)]
        bodies += [(node, node.body) for node in module.tree.body if isinstance(node, ast.ClassDef)]
        functions = [(cls, node) for cls, body in bodies for node in body if isinstance(node, ast.FunctionDef)]
        callees = {node.name: (cls, node) for cls, node in functions if self._is_candidate(node, cls is not None)}
        gone: "set[ast.AST]" = set()
        changed: "set[ast.AST]" = set()
        for home, caller in functions:
            for child in own_nodes(caller):
                cls, callee = callees.get(_called(child), (None, None))
                if callee is None or caller in gone or {callee} & (gone | changed) or callee is caller:
                    continue
                assert isinstance(child, ast.Call)
                if _suits(child, cls, home, caller) and _Place(caller, callee, child).take():
                    gone.add(callee)
                    changed.add(caller)
                    break
        for cls, body in bodies:
            body[:] = [node for node in body if node not in gone]
            if cls is not None:
                fill(cls)
        return bool(gone)

    def _is_candidate(self, node: ast.FunctionDef, method: bool) -> bool:
        name = node.name
        if self.defined[name] != 1 or self.named[name] != 1 or name in self.kept or name.startswith("__"):
            return False
        arguments = node.args
        if node.decorator_list or arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.posonlyargs:
            return False
        if (method and not arguments.args) or not all(isinstance(one, ast.Constant) for one in arguments.defaults):
            return False
        if has_yield(node.body) or self.strings.name(name):
            return False
        return not any(isinstance(child, (*_INNER, *_BINDING)) for child in own_nodes(node))


def _called(node: ast.AST) -> str:
    """The name of the function that a node calls, as a method or as a global; or ""."""
    if not isinstance(node, ast.Call) or any(isinstance(argument, ast.Starred) for argument in node.args):
        return ""
    if not all(keyword.arg for keyword in node.keywords):
        return ""
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def _suits(call: ast.Call, cls: "ast.ClassDef | None", home: "ast.ClassDef | None", caller: ast.FunctionDef) -> bool:
    """Whether a call is of a function, or of a method of this class; ``home``: the class of the method that calls."""
    if isinstance(call.func, ast.Name) or cls is None:
        return isinstance(call.func, ast.Name) and cls is None
    assert isinstance(call.func, ast.Attribute)
    if cls is home and isinstance(call.func.value, ast.Name) and call.func.value.id == "self":
        return True
    root: ast.expr = call.func.value
    while isinstance(root, ast.Attribute):
        root = root.value
    # What a global name stands for may be a module, and the function one of its own.
    return isinstance(root, ast.Name) and root.id in _locals(caller) and call.func.attr not in MEMBERS


class _Place:
    """One call, and the function that it is of."""

    def __init__(self, caller: ast.FunctionDef, callee: ast.FunctionDef, call: ast.Call):
        self._caller = caller
        self._callee = callee
        self._call = call
        self._prepared: "list[ast.stmt]" = []  # what gives parameters their values
        self._body: "list[ast.stmt]" = []

    def take(self) -> bool:
        """Put the body where the call is; returns whether that can be done."""
        found = _statement(self._caller.body, self._call, True)
        if found is None or not self._fit():
            return False
        body, index, last = found
        statement = body[index]
        returns = [node for one in self._body for node in _own(one) if isinstance(node, ast.Return)]
        value = getattr(statement, _FIELDS[type(statement)])
        single = not returns or (len(returns) == 1 and returns[0] is self._body[-1])
        result: ast.expr = ast.Constant(None)
        if isinstance(statement, ast.Return) and value is self._call:
            instead = self._prepared + self._body
            if not last and not _ends(instead):
                instead.append(ast.Return(None))
        elif single:
            rest = self._body
            if returns:
                rest = rest[:-1]
                result = returns[0].value or result
            before = self._prepared + rest
            if value is self._call and isinstance(statement, ast.Expr):
                instead = before if is_pure(result) else [*before, ast.Expr(result)]
            elif not before or (not isinstance(statement, _AGAIN) and _comes_first(value, self._call)):
                _replace(statement, self._call, result)
                instead = [*before, statement]
            else:
                return False
        elif last and value is self._call and isinstance(statement, ast.Expr):
            instead = self._prepared + _without_values(self._body)
            if isinstance(instead[-1], ast.Return):
                instead.pop()
        else:
            return False
        for one in instead:
            at(statement, one)
        body[index : index + 1] = instead or [at(statement, ast.Pass())]
        return True

    def _fit(self) -> bool:
        """Make the body one of the caller's: with names of its own, and values instead of its parameters."""
        callee = self._callee
        taken = _names(self._caller)
        own = _locals(callee)
        globals_ = _names(callee) - own
        if globals_ & _locals(self._caller):
            return False
        self._body = [_copy(statement) for statement in callee.body]
        stored = {
            node.id for one in callee.body for node in _own(one) if isinstance(node, ast.Name) and _is_stored(node)
        }
        values = self._values()
        if values is None:
            return False
        given: "dict[str, ast.expr]" = {}
        renamed: "dict[str, str]" = {}
        for name in own:
            value = values.get(name)
            if value is not None and name not in stored and isinstance(value, (ast.Name, ast.Constant)):
                given[name] = value
                continue
            renamed[name] = name
            while renamed[name] in taken:
                renamed[name] = "_" + renamed[name]
        if len(_locals(self._caller)) + len(renamed) > _MOST_LOCALS:
            return False
        for argument in callee.args.args:
            if argument.arg in renamed:
                target = ast.Name(renamed[argument.arg], ast.Store())
                self._prepared.append(ast.Assign([target], values[argument.arg]))
        changer = _Names(given, renamed)
        self._body = [changer.visit(statement) for statement in self._body]
        return True

    def _values(self) -> "dict[str, ast.expr] | None":
        """The values of the parameters; None: they do not come in the parameters' order."""
        arguments = self._callee.args
        names = [argument.arg for argument in arguments.args]
        given = list(self._call.args)
        if isinstance(self._call.func, ast.Attribute):
            given.insert(0, self._call.func.value)
        values = dict(zip(names, given, strict=False))
        for keyword in self._call.keywords:
            assert keyword.arg is not None
            if not isinstance(keyword.value, (ast.Name, ast.Constant)):
                return None
            values[keyword.arg] = keyword.value
        for name, default in zip(reversed(names), reversed(arguments.defaults), strict=False):
            values.setdefault(name, copied(default))
        return values


_AGAIN = (ast.While, ast.AugAssign)  # evaluate more than once, or something before
_FIELDS: "dict[type, str]" = {
    ast.Return: "value",
    ast.Expr: "value",
    ast.Assign: "value",
    ast.If: "test",
    ast.For: "iter",
    ast.Raise: "exc",
    ast.While: "test",
    ast.AugAssign: "value",
}


def _statement(body: "list[ast.stmt]", call: ast.Call, last: bool) -> "tuple[list[ast.stmt], int, bool] | None":
    """Where the statement with a call is: the list, the index, and whether the function ends with it."""
    for index, statement in enumerate(body):
        ending = last and index == len(body) - 1
        field = _FIELDS.get(type(statement))
        value = getattr(statement, field) if field else None
        if value is not None and any(child is call for child in ast.walk(value)):
            return body, index, ending and isinstance(statement, (ast.Return, ast.Expr))
        for name in ("body", "orelse", "finalbody"):
            found = _statement(getattr(statement, name, None) or [], call, ending and isinstance(statement, ast.If))
            if found is not None:
                return found
        for handler in getattr(statement, "handlers", ()):
            found = _statement(handler.body, call, False)
            if found is not None:
                return found
    return None


def _comes_first(node: ast.expr, call: ast.Call) -> bool:
    """Whether a call is what is evaluated first in an expression."""
    while node is not call:
        if isinstance(node, ast.BoolOp):
            node = node.values[0]
        elif isinstance(node, ast.UnaryOp):
            node = node.operand
        elif isinstance(node, (ast.Compare, ast.BinOp)):
            node = node.left
        elif isinstance(node, ast.IfExp):
            node = node.test
        elif isinstance(node, (ast.Tuple, ast.List)) and node.elts:
            node = node.elts[0]
        elif isinstance(node, (ast.Attribute, ast.Subscript)):
            node = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            node = node.args[0]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            node = node.func.value
        else:
            return False
    return True


def _replace(statement: ast.stmt, call: ast.Call, value: ast.expr) -> None:
    class Change(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.AST:
            return value if node is call else self.generic_visit(node)

    field = _FIELDS[type(statement)]
    setattr(statement, field, Change().visit(getattr(statement, field)))


def _ends(body: "list[ast.stmt]") -> bool:
    """Whether nothing that stands behind the statements is ever reached."""
    last = body[-1]
    if isinstance(last, ast.If):
        return bool(last.orelse) and _ends(last.body) and _ends(last.orelse)
    return isinstance(last, (ast.Return, ast.Raise))


def _without_values(body: "list[ast.stmt]") -> "list[ast.stmt]":
    """The statements, returning nothing."""

    class Change(ast.NodeTransformer):
        def visit_Return(self, node: ast.Return) -> "ast.AST | list[ast.stmt]":
            if node.value is None or is_pure(node.value):
                return at(node, ast.Return(None))
            return [at(node, ast.Expr(node.value)), at(node, ast.Return(None))]

    found: "list[ast.stmt]" = []
    for statement in body:
        changed = Change().visit(statement)
        found.extend(changed if isinstance(changed, list) else [changed])
    return found


class _Names(ast.NodeTransformer):
    """Gives names their values, or other names."""

    def __init__(self, given: "dict[str, ast.expr]", renamed: "dict[str, str]"):
        self._given = given
        self._renamed = renamed

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in self._given:
            return ast.copy_location(copied(self._given[node.id]), node)
        node.id = self._renamed.get(node.id, node.id)
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        if node.name:
            node.name = self._renamed.get(node.name, node.name)
        self.generic_visit(node)
        return node


def _copy(statement: ast.stmt) -> ast.stmt:
    found: ast.stmt = copied(statement)
    return found


def _own(node: ast.AST) -> "list[ast.AST]":
    return [node, *own_nodes(node)]


def _is_stored(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)


def _names(function: ast.FunctionDef) -> "set[str]":
    """Every name below a function, those of functions inside it, too."""
    found = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        else:
            found.update(_bound(node))
    return found


def _locals(function: ast.FunctionDef) -> "set[str]":
    """What a function gives a value: parameters and variables."""
    found = {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}
    for node in own_nodes(function):
        if isinstance(node, ast.Name) and _is_stored(node):
            found.add(node.id)
        else:
            found.update(_bound(node))
    return found


def _bound(node: ast.AST) -> "list[str]":
    """The name that gets a value where no Name says so."""
    if isinstance(node, ast.alias):
        return [node.asname or node.name]
    if isinstance(node, (*Function, ast.ClassDef, ast.ExceptHandler)) and node.name:
        return [node.name]
    return []
