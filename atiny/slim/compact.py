"""Says the same in fewer bytes of MicroPython's bytecode.

- ``not x is None`` for ``x is not None``: behind a condition, the ``not`` is only another jump.
- Two returns for ``return a if c else b``: the jump over the second value goes.
- A loop for a list comprehension that is a statement's first value: a comprehension is a function of its own.
"""

import ast

from .scopes import Scope, Scopes
from .tree import Build, Conditions, Function, Module, at


def compact(build: Build) -> None:
    for module in build:
        _Comprehensions(module).run()
        _Tests().visit(module.tree)
        _Returns().visit(module.tree)


class _Tests(Conditions):
    def condition(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.BoolOp):
            node.values = [self.condition(value) for value in node.values]
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            inner = self.condition(node.operand)
            if isinstance(inner, ast.UnaryOp) and isinstance(inner.op, ast.Not):
                return inner.operand
            node.operand = inner
        elif isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], (ast.IsNot, ast.NotIn)):
            node.ops = [ast.Is() if isinstance(node.ops[0], ast.IsNot) else ast.In()]
            return ast.copy_location(ast.UnaryOp(ast.Not(), node), node)
        return node


class _Returns(ast.NodeTransformer):
    def visit_Return(self, node: ast.Return) -> "ast.AST | list[ast.stmt]":
        if not isinstance(node.value, ast.IfExp):
            return node
        choice = node.value
        first = ast.If(choice.test, [at(choice.body, ast.Return(choice.body))], [])
        rest = self.visit_Return(ast.copy_location(ast.Return(choice.orelse), choice.orelse))
        return [at(node, first), *(rest if isinstance(rest, list) else [rest])]


class _Comprehensions:
    """Makes loops of the list comprehensions of a module's functions."""

    def __init__(self, module: Module):
        self._module = module
        self._scopes = Scopes(module)
        self._count = 0

    def run(self) -> None:
        for node in ast.walk(self._module.tree):
            if isinstance(node, Function):
                self._block(node, self._scopes.of[node])

    def _block(self, node: ast.AST, scope: Scope) -> None:
        """The statements of a function, without those of functions inside it."""
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if not isinstance(body, list):
                continue
            found: "list[ast.stmt]" = []
            for statement in body:
                if not isinstance(statement, (*Function, ast.ClassDef)):
                    self._block(statement, scope)
                    found.extend(self._loop(statement))
                found.append(statement)
            body[:] = found
        for handler in getattr(node, "handlers", ()):
            self._block(handler, scope)

    def _loop(self, node: ast.stmt) -> "list[ast.stmt]":
        """The loop to run before a statement, whose comprehension becomes a name."""
        if not isinstance(node, (ast.Assign, ast.Return, ast.For)):
            return []
        field = "iter" if isinstance(node, ast.For) else "value"
        value = getattr(node, field)
        if isinstance(value, ast.ListComp):
            holder: "ast.AST | None" = node
        else:
            holder = _holder(value)
        if holder is None:
            return []
        if holder is node:
            found = value
        else:
            assert isinstance(holder, ast.Call)
            found = holder.args[0]
        assert isinstance(found, ast.ListComp)
        if len(found.generators) != 1 or _has_inner(found):
            return []
        self._count += 1
        prefix = "_loop%d_" % self._count
        generator = found.generators[0]
        result = prefix + "all"
        self._rename(found, prefix)
        place: ast.stmt = ast.Expr(
            ast.Call(ast.Attribute(ast.Name(result, ast.Load()), "append", ast.Load()), [found.elt], [])
        )
        for test in reversed(generator.ifs):
            place = ast.If(test, [place], [])
        loop = ast.For(generator.target, generator.iter, [place], [])
        name = ast.copy_location(ast.Name(result, ast.Load()), found)
        if holder is node:
            setattr(node, field, name)
        elif isinstance(holder, ast.Call):
            holder.args[0] = name
        return [at(node, ast.Assign([ast.Name(result, ast.Store())], ast.List([], ast.Load()))), at(node, loop)]

    def _rename(self, node: ast.ListComp, prefix: str) -> None:
        """The names of a comprehension are its own: as locals of the function they need names of their own."""
        scope = self._scopes.of[node]
        for child in ast.walk(node):
            if isinstance(child, ast.Name) and self._scopes.by_node[child].scope is scope:
                child.id = prefix + child.id


def _holder(node: "ast.expr | None") -> "ast.Call | None":
    """The call of a name, or of a constant's method, whose first argument is a comprehension."""
    while isinstance(node, ast.Call) and not isinstance(node.func, ast.Lambda):
        simple = isinstance(node.func, ast.Name)
        if isinstance(node.func, ast.Attribute):
            simple = isinstance(node.func.value, ast.Constant)
        if not simple or not node.args:
            return None
        if isinstance(node.args[0], ast.ListComp):
            return node
        node = node.args[0]
    return None


def _has_inner(node: ast.ListComp) -> bool:
    """Whether there are functions in a comprehension, which would see its names after it, too."""
    inner = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.NamedExpr, ast.Await, ast.Yield)
    return any(isinstance(child, inner) for child in ast.walk(node) if child is not node)
