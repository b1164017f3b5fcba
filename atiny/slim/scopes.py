"""Which scope each name of a module belongs to, by Python's rules: functions, classes, comprehensions, global,
nonlocal. The two runtimes agree in them."""

import ast
from dataclasses import dataclass, field

from .tree import Function, Module

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(eq=False)
class Scope:
    """Where names live. ``kind``: "module", "class" or "function" (lambdas and comprehensions too)."""

    kind: str
    node: ast.AST
    parent: "Scope | None"
    bound: "set[str]" = field(default_factory=set)
    outer: "dict[str, str]" = field(default_factory=dict)  # name -> "global" or "nonlocal"
    parameters: "list[ast.arg]" = field(default_factory=list)
    children: "list[Scope]" = field(default_factory=list)


@dataclass(eq=False)
class Mention:
    """A name where it stands. ``home``: the scope it stands in; ``scope``: the one it belongs to (the module's, too,
    for a builtin). ``stored``: whether it is bound here."""

    node: ast.AST
    name: str
    home: Scope
    stored: bool
    scope: Scope
    early: bool = False  # read in a class before the class binds it: what is meant is outside


class Scopes(ast.NodeVisitor):
    """The scopes of a module and every mention of a name in them, in the order of the source."""

    def __init__(self, module: Module):
        self.module = Scope("module", module.tree, None)
        self.mentions: "list[Mention]" = []
        self.of: "dict[ast.AST, Scope]" = {module.tree: self.module}
        self._here = self.module
        for statement in module.tree.body:
            self.visit(statement)
        for mention in self.mentions:
            home = mention.home
            if mention.early and home.parent is not None:
                home = home.parent
            mention.scope = self._resolve(home, mention.name)
        self.by_node: "dict[ast.AST, Mention]" = {mention.node: mention for mention in self.mentions}

    def is_bound(self, name: str) -> bool:
        """Whether the module itself binds a name; else it is a builtin."""
        return name in self.module.bound

    def _resolve(self, scope: Scope, name: str) -> Scope:
        how = scope.outer.get(name)
        if how == "global":
            return self.module
        if how is None and name in scope.bound:
            return scope
        above = scope.parent
        while above is not None:
            if above.kind != "class":
                if above.outer.get(name) == "global":
                    return self.module
                if name in above.bound and name not in above.outer:
                    return above
            above = above.parent
        return self.module

    def _mention(self, node: ast.AST, name: str, stored: bool, home: "Scope | None" = None) -> None:
        home = home or self._here
        if stored and name not in home.outer:
            home.bound.add(name)
        early = home.kind == "class" and not stored and name not in home.bound
        self.mentions.append(Mention(node, name, home, stored, home, early))

    def _inside(self, kind: str, node: ast.AST) -> Scope:
        scope = Scope(kind, node, self._here)
        self._here.children.append(scope)
        self.of[node] = scope
        return scope

    # -- what binds and uses names

    def visit_Name(self, node: ast.Name) -> None:
        self._mention(node, node.id, not isinstance(node.ctx, ast.Load))

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        home = self._here
        while isinstance(home.node, _COMPREHENSIONS) and home.parent is not None:
            home = home.parent
        self._mention(node.target, node.target.id, True, home)

    def visit_Global(self, node: ast.Global) -> None:
        for name in node.names:
            self._here.outer[name] = "global"
            self._here.bound.discard(name)
            self.module.bound.add(name)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.of[node] = self._here
        for name in node.names:
            self._here.outer[name] = "nonlocal"
            self._here.bound.discard(name)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.type is not None:
            self.visit(node.type)
        if node.name:
            self._mention(node, node.name, True)
        for statement in node.body:
            self.visit(statement)

    def visit_Import(self, node: "ast.Import | ast.ImportFrom") -> None:
        for alias in node.names:
            self._mention(alias, alias.asname or alias.name.partition(".")[0], True)

    visit_ImportFrom = visit_Import

    # -- what opens a scope

    def _visit_function(self, node: "ast.FunctionDef | ast.AsyncFunctionDef") -> None:
        for decorator in node.decorator_list:
            self.visit(decorator)
        self._mention(node, node.name, True)
        self._visit_callable(node, node.args, node.body)

    visit_FunctionDef = visit_AsyncFunctionDef = _visit_function

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._visit_callable(node, node.args, [node.body])

    def _visit_callable(self, node: ast.AST, args: ast.arguments, body: "list[ast.stmt] | list[ast.expr]") -> None:
        for default in [*args.defaults, *args.kw_defaults]:
            if default is not None:
                self.visit(default)
        before, self._here = self._here, self._inside("function", node)
        for argument in all_arguments(args):
            self._here.parameters.append(argument)
            self._mention(argument, argument.arg, True)
        for child in body:
            self.visit(child)
        self._here = before

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for part in [*node.decorator_list, *node.bases, *node.keywords]:
            self.visit(part)
        self._mention(node, node.name, True)
        before, self._here = self._here, self._inside("class", node)
        for statement in node.body:
            self.visit(statement)
        self._here = before

    def _visit_comprehension(self, node: "ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp") -> None:
        self.visit(node.generators[0].iter)  # belongs to the scope around it
        before, self._here = self._here, self._inside("function", node)
        for index, generator in enumerate(node.generators):
            self.visit(generator.target)
            if index:
                self.visit(generator.iter)
            for test in generator.ifs:
                self.visit(test)
        for part in [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]:
            self.visit(part)
        self._here = before

    visit_ListComp = visit_SetComp = visit_GeneratorExp = visit_DictComp = _visit_comprehension


def all_arguments(args: ast.arguments) -> "list[ast.arg]":
    """The parameters of a function, in order."""
    found = [*args.posonlyargs, *args.args, *args.kwonlyargs]
    if args.vararg is not None:
        found.append(args.vararg)
    if args.kwarg is not None:
        found.append(args.kwarg)
    return found


def is_function(scope: Scope) -> bool:
    return isinstance(scope.node, Function)
