"""Mutations of a module: which there are, and its text with one of them made.

The operators:

    comparison   swapped or loosened: `<` and `<=`, `>` and `>=`, `==` and `!=`, `is` and `is not`, `in` and `not in`
    condition    of `if`, `while`, conditional expressions, comprehensions and guards: negated, always true, never true
    boolean      `and` and `or` swapped; `not` left out
    constant     a number plus one, True and False swapped, a word changed
    call         a call that is a statement left out
    branch       the body of `if` or `else` left out; a `case` left out

Not mutated: docstrings, annotations, imports, `assert`, `__repr__`, blocks of TYPE_CHECKING, decorators and arguments
of classes (how they are laid out), names of types, and text with a space in it, which is for people to read.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from pathlib import Path

import attrs

ROOT = Path(__file__).parents[2]
CORE = ROOT / "engine" / "core"

KINDS = ("comparison", "condition", "boolean", "constant", "call", "branch")

_SWAPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


@attrs.frozen
class Mutation:
    """One change of one module."""

    file: str
    """From the root of the repository."""
    line: int
    function: str
    """Dotted; empty at the top of the module."""
    kind: str
    start: int
    end: int
    """What is replaced, in bytes of the file."""
    before: str
    after: str
    which: int = 0
    """How many mutations of the same text in the same function stand before this one."""

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        """Name it so that it is found again when lines have moved."""
        return (self.file, self.function, self.before, self.after, self.which)

    def text(self, source: bytes) -> bytes:
        """Return the module with the change."""
        return source[: self.start] + self.after.encode() + source[self.end :]


class _Finder:
    """Collects the mutations of one module."""

    def __init__(self, file: str, source: bytes) -> None:
        self._file = file
        self._source = source
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._inside: list[str] = []
        self._seen: dict[tuple[str, str, str], int] = {}
        self.found: list[Mutation] = []

    def visit(self, node: ast.AST) -> None:
        """Collect what a node and everything below it offers."""
        match node:
            case ast.FunctionDef(name="__repr__") | ast.Import() | ast.ImportFrom() | ast.Assert():
                return
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                return
            case ast.FunctionDef() if any(isinstance(d, ast.Name) and d.id == "overload" for d in node.decorator_list):
                return
            case ast.FunctionDef():
                self._inside.append(node.name)
                self._visit_all([*node.args.defaults, *[one for one in node.args.kw_defaults if one], *_body(node)])
                self._inside.pop()
                return
            case ast.ClassDef():
                self._inside.append(node.name)
                self._visit_all(_body(node))
                self._inside.pop()
                return
            case ast.Module():
                self._visit_all(_body(node))
                return
            case ast.AnnAssign():
                self._visit_all([node.value] if node.value else [])
                return
            case ast.Subscript(value=ast.Name(id="Literal")) | ast.JoinedStr():
                return
            case ast.Call(func=ast.Name(id="cast" | "TypeVar" | "NewType")):
                self._visit_all(node.args[1:])
                return
            case ast.Expr(value=ast.Call()):
                self._add("call", node, "pass")
            case ast.Expr(value=ast.Constant()):
                return
            case _:
                self._offer(node)
        self._visit_all(list(ast.iter_child_nodes(node)))

    def _visit_all(self, nodes: list[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)

    def _offer(self, node: ast.AST) -> None:
        match node:
            case ast.Compare():
                for at, op in enumerate(node.ops):
                    if (swapped := _SWAPPED.get(type(op))) is not None:
                        ops = [*node.ops[:at], swapped(), *node.ops[at + 1 :]]
                        self._add("comparison", node, ast.unparse(ast.Compare(node.left, ops, node.comparators)))
            case ast.BoolOp():
                swapped_op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
                self._add("boolean", node, f"({ast.unparse(ast.BoolOp(swapped_op, node.values))})")
            case ast.UnaryOp(op=ast.Not()):
                self._add("boolean", node, f"({ast.unparse(node.operand)})")
            case ast.Constant():
                self._constant(node)
            case ast.If():
                self._condition(node.test)
                self._leave_out(node.body)
                if node.orelse and not isinstance(node.orelse[0], ast.If):
                    self._leave_out(node.orelse)
            case ast.While():
                self._condition(node.test, endless=True)
            case ast.IfExp():
                self._condition(node.test)
            case ast.comprehension():
                for test in node.ifs:
                    self._condition(test)
            case ast.Match():
                for case in node.cases:
                    if case.guard is not None:
                        self._condition(case.guard)
                    self._leave_out(case.body)

    def _condition(self, test: ast.expr, *, endless: bool = False) -> None:
        text = ast.unparse(test)
        self._add("condition", test, f"(not ({text}))")
        self._add("condition", test, f"(({text}) and False)")
        if not endless:
            self._add("condition", test, f"(({text}) or True)")

    def _constant(self, node: ast.Constant) -> None:
        match node.value:
            case bool(value):
                self._add("constant", node, str(not value))
            case int(value) | float(value):
                self._add("constant", node, repr(value + 1))
            case str(value) if " " not in value:
                self._add("constant", node, repr(value + "_" if value else "_"))

    def _leave_out(self, body: list[ast.stmt]) -> None:
        if not all(isinstance(statement, ast.Pass) for statement in body):
            self._add_span("branch", body[0], body[-1], "pass")

    def _add(self, kind: str, node: ast.expr | ast.stmt, after: str) -> None:
        self._add_span(kind, node, node, after)

    def _add_span(self, kind: str, first: ast.expr | ast.stmt, last: ast.expr | ast.stmt, after: str) -> None:
        assert last.end_lineno is not None
        assert last.end_col_offset is not None
        start = self._starts[first.lineno - 1] + first.col_offset
        end = self._starts[last.end_lineno - 1] + last.end_col_offset
        before = self._source[start:end].decode()
        if before == after:
            return
        function = ".".join(self._inside)
        same = (function, before, after)
        which = self._seen.get(same, 0)
        self._seen[same] = which + 1
        self.found.append(Mutation(self._file, first.lineno, function, kind, start, end, before, after, which))


def _body(node: ast.Module | ast.ClassDef | ast.FunctionDef) -> list[ast.AST]:
    return list(node.body)


def mutations_of(path: Path) -> list[Mutation]:
    """Return every mutation of a module, in the order of its text."""
    source = path.read_bytes()
    finder = _Finder(path.relative_to(ROOT).as_posix(), source)
    finder.visit(ast.parse(source))
    return finder.found


def all_mutations() -> list[Mutation]:
    """Return every mutation of the core."""
    return [mutation for path in sorted(CORE.rglob("*.py")) for mutation in mutations_of(path)]


def drawn(count: int, seed: int) -> list[Mutation]:
    """Draw mutations: an operator first, then one of its places, so that a common one does not drown the others."""
    return list(_drawn(all_mutations(), count, random.Random(seed)))


def _drawn(every: list[Mutation], count: int, rng: random.Random) -> Iterator[Mutation]:
    left = {kind: [one for one in every if one.kind == kind] for kind in KINDS}
    for _ in range(min(count, len(every))):
        places = left[rng.choice([kind for kind in KINDS if left[kind]])]
        yield places.pop(rng.randrange(len(places)))
