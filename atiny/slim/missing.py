"""Imports of what is not in a build: those inside functions raise `NotSupported`, which names the part to add."""

import ast

from .tree import Build, Module, at, each_body

ERRORS = "atiny.errors"
ON_A_HOST = "MicroPython has not what this needs"


def replace_missing(build: Build) -> None:
    """Replace each import, inside a function, of a module that is missing; at the top of a module it is an error."""
    missing = build.plan.missing
    for module in build:
        if _replace(module, module.tree, missing, False):
            _import_error(build, module)


def _part(module: Module, node: ast.stmt, missing: "dict[str, str]") -> "str | None":
    """The part of the first missing module that a statement imports."""
    if isinstance(node, ast.ImportFrom):
        source = module.source_of(node)
        names = [source, *[source + "." + alias.name for alias in node.names]]
    elif isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    else:
        return None
    for name in names:
        if name in missing:
            return missing[name]
    return None


def _replace(module: Module, node: ast.AST, missing: "dict[str, str]", inside: bool) -> bool:
    """Go through the blocks of a node; returns whether a raise came in."""
    found = False
    inside = inside or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
    for body in each_body(node):
        index = 0
        while index < len(body):
            statement = body[index]
            part = _part(module, statement, missing)
            if part is not None:
                if not inside:
                    raise module.error(statement, "it needs the part %s, which is not in this build" % part)
                text = ast.Constant("this build has no %s: atiny slim --with %s" % (part, part) if part else ON_A_HOST)
                call = ast.Call(ast.Name("NotSupported", ast.Load()), [text], [])
                before = [one for one in body[:index] if not isinstance(one, ast.Global)]  # of what it would import
                body[:] = [*before, at(statement, ast.Raise(call))]
                found = True
                break
            handler = _fallback(module, statement, missing)
            if handler is not None:
                body[index : index + 1] = handler
                continue
            found = _replace(module, statement, missing, inside) or found
            index += 1
    for handler_node in getattr(node, "handlers", ()):
        found = _replace(module, handler_node, missing, inside) or found
    return found


def _fallback(module: Module, node: ast.stmt, missing: "dict[str, str]") -> "list[ast.stmt] | None":
    """What a ``try: import ... except ImportError:`` does where the import fails."""
    if not isinstance(node, ast.Try) or all(_part(module, child, missing) is None for child in node.body):
        return None
    for handler in node.handlers:
        kind = handler.type
        if isinstance(kind, ast.Name) and kind.id == "ImportError" and handler.name is None:
            return [*handler.body, *node.finalbody]
    return None


def _import_error(build: Build, module: Module) -> None:
    """Have `NotSupported` in a module."""
    for node in module.tree.body:
        if isinstance(node, ast.ImportFrom) and module.source_of(node) == ERRORS:
            if not any(alias.name == "NotSupported" for alias in node.names):
                node.names.append(ast.alias("NotSupported"))
            return
    if module.name == ERRORS:
        return
    level = module.name.count(".") + (1 if module.package else 0)
    node = ast.ImportFrom("errors", [ast.alias("NotSupported")], level)
    module.tree.body.insert(0, ast.fix_missing_locations(node))
