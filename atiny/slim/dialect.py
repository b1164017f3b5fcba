"""A lint for the dialect that CPython and MicroPython share: `check` names what leaves it, as ``file:line: why``.

Each rule stands for something that MicroPython 1.29 was seen to refuse, to ignore in silence, or to do differently.
"""

import ast
import builtins
import sys

from .sources import is_type_checking

# Modules that MicroPython ports have, with the names that may be imported from them (None: any).
MODULES: "dict[str, frozenset[str] | None]" = dict.fromkeys(
    """_thread array asyncio binascii cryptolib deflate errno gc hashlib heapq io json machine math micropython network
    os platform random re select socket ssl struct sys time tls uctypes vfs""".split()
)
MODULES["collections"] = frozenset(["OrderedDict", "deque", "namedtuple"])
MODULES["struct"] = frozenset(["calcsize", "error", "pack", "pack_into", "unpack", "unpack_from"])

# Third-party packages: only a host has them, so they are imported inside the function that needs them.
LAZY = frozenset(["aiocoap", "cbor2", "cryptography", "mbedtls", "serial", "urllib3"])

# Built-in names that MicroPython has not.
MISSING_BUILTINS = frozenset(
    """BaseExceptionGroup BlockingIOError BrokenPipeError BufferError BytesWarning ChildProcessError
    ConnectionAbortedError ConnectionError ConnectionRefusedError ConnectionResetError DeprecationWarning
    EncodingWarning EnvironmentError ExceptionGroup FileExistsError FileNotFoundError FloatingPointError FutureWarning
    IOError ImportWarning InterruptedError IsADirectoryError ModuleNotFoundError NotADirectoryError
    PendingDeprecationWarning PermissionError ProcessLookupError RecursionError ReferenceError ResourceWarning
    RuntimeWarning SyntaxWarning SystemError TabError TimeoutError UnboundLocalError UnicodeDecodeError
    UnicodeEncodeError UnicodeTranslateError UnicodeWarning UserWarning Warning aiter anext ascii breakpoint format
    slice vars""".split()
)

# Methods and attributes that MicroPython's own types have not.
MISSING_ATTRIBUTES = frozenset(
    """__cause__ __class_getitem__ __doc__ __mro__ add_note as_integer_ratio bit_count bit_length capitalize casefold
    cast expandtabs format_map hexdigest is_integer isalnum isascii isdecimal isidentifier isnumeric
    isprintable istitle ljust maketrans monotonic monotonic_ns nbytes perf_counter perf_counter_ns randbytes
    removeprefix removesuffix rjust swapcase title tobytes tolist toreadonly translate with_traceback zfill
    getsockname recv_into recvfrom_into""".split()
)

# Methods whose keywords MicroPython refuses (its own functions take positional arguments).
NO_KEYWORDS = frozenset(
    """center count decode encode endswith find from_bytes fromhex index join lstrip partition replace rfind rindex
    rpartition rsplit rstrip split splitlines startswith strip to_bytes""".split()
)
NO_KEYWORD_CALLS = frozenset(["bytearray", "bytes", "int", "pow", "str", "sum", "zip"])

# Types that cannot be subclassed soundly, and the exception that makes two native bases a conflict.
NO_SUBCLASS = frozenset(["bytearray", "bytes", "float", "int", "memoryview", "str", "tuple"])
NATIVE_EXCEPTIONS = frozenset(
    name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, BaseException)
)
TYPE_NAMES = NO_SUBCLASS | {"bool", "dict", "list", "set", "object", "frozenset"}
MAGIC = frozenset(["__class_getitem__", "__format__", "__index__", "__init_subclass__", "__set_name__"])


class _Lint(ast.NodeVisitor):
    def __init__(self, name: str):
        self.name = name
        self.found: "list[str]" = []
        self.depth = 0  # how many functions surround the node

    def report(self, node: ast.AST, why: str) -> None:
        self.found.append(f"{self.name}:{getattr(node, 'lineno', 1)}: {why}")

    # -- imports

    def check_module(self, node: ast.AST, module: str, names: "list[str]") -> None:
        head = module.split(".")[0]
        if head in LAZY:
            if not self.depth:
                self.report(node, f"{head} is imported outside a function")
        elif module != head if head in MODULES else head in sys.stdlib_module_names:
            self.report(node, f"MicroPython has no module {module}")
        else:  # a module of the port, of atiny or of the firmware: what is in it is not known here
            known = MODULES.get(head)
            for name in names:
                if known is not None and name not in known:
                    self.report(node, f"MicroPython's {head} has no {name}")

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.check_module(node, alias.name, [])

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        names = [alias.name for alias in node.names]
        for name in names:
            if name.startswith("_") and not name.startswith("__"):
                self.report(node, f"{name} may be a const(), which is not there to be imported")
            if name == "*":
                self.report(node, "import of *")
        if not node.level and (node.module or "").split(".")[0] != "atiny":
            self.check_module(node, node.module or "", names)

    # -- syntax

    def visit_If(self, node: ast.If) -> None:
        if is_type_checking(node):
            for child in node.orelse:
                self.visit(child)
        else:
            self.generic_visit(node)

    def visit_Match(self, node: ast.AST) -> None:
        self.report(node, "match")

    def visit_TryStar(self, node: ast.AST) -> None:
        self.report(node, "except*")

    def visit_Raise(self, node: ast.Raise) -> None:
        if node.cause is not None and not (isinstance(node.cause, ast.Constant) and node.cause.value is None):
            self.report(node, "raise ... from e")
        self.generic_visit(node)

    def visit_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Slice):
                self.report(node, "del of a slice")
        self.generic_visit(node)

    def visit_Slice(self, node: ast.Slice) -> None:
        if node.step is not None and not (isinstance(node.step, ast.Constant) and node.step.value == 1):
            self.report(node, "a slice with a step")
        self.generic_visit(node)

    def check_display(self, node: "ast.List | ast.Tuple | ast.Set") -> None:
        if isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            for element in node.elts:
                if isinstance(element, ast.Starred):
                    self.report(node, "[*a]: a star in a display")
        self.generic_visit(node)

    visit_List = visit_Tuple = visit_Set = check_display

    def visit_Dict(self, node: ast.Dict) -> None:
        if None in node.keys:
            self.report(node, "{**d}")
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        if node.is_async:
            self.report(node.iter, "an async comprehension")
        self.generic_visit(node)

    # -- functions and classes

    def check_function(self, node: "ast.FunctionDef | ast.AsyncFunctionDef") -> None:
        if node.args.posonlyargs:
            self.report(node, "positional-only parameters")
        if node.name in MAGIC:
            self.report(node, f"{node.name} is not called there")
        for decorator in node.decorator_list:
            self.visit(decorator)
        for default in [*node.args.defaults, *node.args.kw_defaults]:
            if default is not None:
                self.visit(default)
        every = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
        for argument in [*every, node.args.vararg, node.args.kwarg]:
            if argument is not None:
                self.check_annotation(argument.annotation)
        self.check_annotation(node.returns)
        self.depth += 1
        for child in node.body:
            self.visit(child)
        self.depth -= 1

    visit_FunctionDef = check_function

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        if any(isinstance(child, (ast.Yield, ast.YieldFrom)) for child in own_nodes(node)):
            self.report(node, "an async generator")
        self.check_function(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        if node.args.posonlyargs:
            self.report(node, "positional-only parameters")
        self.depth += 1
        self.generic_visit(node)
        self.depth -= 1

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        if node.keywords:
            self.report(node, "a class with keywords")
        bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
        for base in bases:
            if base in NO_SUBCLASS:
                self.report(node, f"a subclass of {base}")
        if sum(base in NATIVE_EXCEPTIONS for base in bases) > 1:
            self.report(node, "two native exceptions as bases")
        self.generic_visit(node)

    # -- names, attributes, calls

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in MISSING_BUILTINS and isinstance(node.ctx, ast.Load):
            self.report(node, f"MicroPython has no {node.id}")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if node.attr in MISSING_ATTRIBUTES:
            self.report(node, f"MicroPython has no .{node.attr}")
        if isinstance(node.value, ast.Name):
            known = MODULES.get(node.value.id)
            if known is not None and node.attr not in known:
                self.report(node, f"MicroPython's {node.value.id} has no {node.attr}")
            if (node.value.id, node.attr) in (("select", "select"), ("select", "epoll")):
                self.report(node, f"select.{node.attr} instead of select.poll")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        keywords = [keyword.arg for keyword in node.keywords if keyword.arg]
        if isinstance(node.func, ast.Attribute):
            name = node.func.attr
            # Path-like classes of our own may have a method of that name with keywords: self.find(path=...)
            if keywords and name in NO_KEYWORDS and not is_self(node.func.value):
                self.report(node, f".{name}({keywords[0]}=): no keywords there")
            if name in ("decode", "encode") and len(node.args) > 1 and isinstance(node.args[0], ast.Constant):
                self.report(node, f".{name} ignores its second argument there")
        elif isinstance(node.func, ast.Name):
            if keywords and node.func.id in NO_KEYWORD_CALLS:
                self.report(node, f"{node.func.id}({keywords[0]}=): no keywords there")
            if node.func.id == "iter" and len(node.args) > 1:
                self.report(node, "iter() with a sentinel")
            if node.func.id == "print" and "flush" in keywords:
                self.report(node, "print(flush=)")
        self.generic_visit(node)

    # -- unions and annotations

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.check_annotation(node.annotation)
        self.visit(node.target)
        if node.value is not None:
            self.visit(node.value)

    def check_annotation(self, node: "ast.expr | None") -> None:
        """MicroPython evaluates no annotation, but CPython 3.10 does: a quoted name in a union fails there."""
        for child in ast.walk(node) if node is not None else ():
            if isinstance(child, ast.BinOp) and isinstance(child.op, ast.BitOr):
                for side in (child.left, child.right):
                    if isinstance(side, ast.Constant) and isinstance(side.value, str):
                        self.report(child, "a union half in quotes; quote it whole")

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if isinstance(node.op, ast.BitOr):
            for side in (node.left, node.right):
                none = isinstance(side, ast.Constant) and side.value is None
                if none or (isinstance(side, ast.Name) and side.id in TYPE_NAMES):
                    self.report(node, "a union of types at run time")
                    break
        self.generic_visit(node)


def own_nodes(function: ast.AST) -> "list[ast.AST]":
    """The nodes of a function that are not in a function inside it."""
    nodes = list(ast.iter_child_nodes(function))
    for node in nodes:
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            nodes.extend(ast.iter_child_nodes(node))
    return nodes


def is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def check(name: str, source: str) -> "list[str]":
    """What leaves the dialect in ``source``, the text of the file ``name``: a list of ``name:line: why``."""
    lint = _Lint(name)
    lint.visit(ast.parse(source))
    return lint.found
