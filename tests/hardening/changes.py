"""The mutations that `mutants.py` applies: all possible ones in a file, and the text with one of them."""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_OPERATORS: dict[type[ast.AST], type[ast.AST]] = {
    **{ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult},
    **{ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd},
    **{ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.And: ast.Or, ast.Or: ast.And},
    **{ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In},
    **{ast.NotEq: ast.Eq, ast.Eq: ast.NotEq},
}
_COMPARISONS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    **{ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt)},
}
_NAMES = {"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "any": "all", "all": "any"}
_NAMES |= {"zeros": "ones", "zeros_like": "ones_like", "floor": "ceil", "ceil": "floor", "sum": "prod"}
# Functions whose first two arguments may be exchanged, or fail at once if they are.
_SYMMETRIC = {
    "min",
    "max",
    "minimum",
    "maximum",
    "fmin",
    "fmax",
    "gamma",
    "add",
    "fadd",
    "mul",
    "fmul",
    "and_",
    "or_",
    "times",
    "isinstance",
}


@dataclass(frozen=True)
class Change:
    """One mistake: the file, the function that it is in, its lines, and the source before and after."""

    file: str
    function: str
    lines: tuple[int, int]  # of the statement, or of what a compound statement begins with
    place: tuple[int, int]  # in the text, from and to
    before: str  # whole lines
    after: str
    new: str

    def applied(self, text: str) -> str:
        """The file's text with this mistake."""
        return text[: self.place[0]] + self.new + text[self.place[1] :]


def changes(root: Path, file: str) -> list[Change]:
    """All mutations of a file, except in documentation, annotations, decorators, imports and error messages."""
    text = (root / file).read_text(encoding="utf-8")
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def offset(line: int, column: int) -> int:
        whole = text[starts[line - 1] : starts[line]]
        return starts[line - 1] + len(whole.encode()[:column].decode())

    found: dict[tuple[tuple[int, int], str], Change] = {}
    for function, statement, node, new in _walk(ast.parse(text)):
        place = offset(node.lineno, node.col_offset), offset(node.end_lineno or 0, node.end_col_offset or 0)
        begin, end = starts[node.lineno - 1], starts[node.end_lineno or 0]
        before, after = text[begin:end].strip(), (text[begin : place[0]] + new + text[place[1] : end]).strip()
        body = getattr(statement, "body", None)
        last = max(statement.lineno, body[0].lineno - 1) if body else statement.end_lineno or 0
        if before != after:
            found[place, new] = Change(file, function, (statement.lineno, last), place, before, after, new)
    return list(found.values())


_Found = Iterator[tuple[str, ast.stmt, ast.expr | ast.stmt, str]]


def _walk(tree: ast.Module) -> _Found:
    """(function, statement, replaced expression, new text) for every mutation."""

    def statements(body: list[ast.stmt], function: str) -> _Found:
        for statement in body:
            if isinstance(statement, ast.FunctionDef | ast.ClassDef):
                if isinstance(statement, ast.FunctionDef):
                    for value in (*statement.args.defaults, *filter(None, statement.args.kw_defaults)):
                        yield from ((function, statement, *one) for one in _of(value))
                yield from statements(statement.body, f"{function}.{statement.name}".lstrip("."))
                continue
            if isinstance(statement, ast.Import | ast.ImportFrom | ast.Assert | ast.Pass | ast.Global) or _is_text(
                statement
            ):
                continue
            if isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING":
                continue
            yield from ((function, statement, *one) for one in _of_statement(statement))
            for name in ("body", "orelse", "finalbody"):
                yield from statements(getattr(statement, name, []), function)
            for handler in getattr(statement, "handlers", []):
                yield from statements(handler.body, function)

    yield from statements(tree.body, "")


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _of_statement(statement: ast.stmt) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    match statement:
        case ast.Raise():
            yield statement, "pass"
            return  # its message is not behaviour
        case ast.Return(value=value) if value is not None and not (
            isinstance(value, ast.Constant) and value.value is None
        ):
            yield statement, "return None"
        case ast.Continue() | ast.Break() | ast.Delete():
            yield statement, "pass"
        case ast.Expr(value=ast.Call()):
            yield statement, "pass"
        case ast.Assign(targets=[ast.Subscript() | ast.Attribute()]):
            yield statement, "pass"
        case ast.AugAssign(target=target, op=op, value=value):
            yield statement, f"{ast.unparse(target)} = {ast.unparse(value)}"
            yield statement, "pass"
            if type(op) in _OPERATORS:
                other = ast.AugAssign(target, _OPERATORS[type(op)](), value)  # type: ignore[arg-type]
                yield statement, ast.unparse(other)
        case ast.For(iter=iterated):
            yield iterated, f"list({ast.unparse(iterated)})[:1]"
            yield iterated, f"list({ast.unparse(iterated)})[:2]"
            yield iterated, f"list({ast.unparse(iterated)})[1:]"
        case ast.If(test=test) | ast.While(test=test) if not isinstance(test, ast.UnaryOp):
            yield test, f"not ({ast.unparse(test)})"
    for field, value in ast.iter_fields(statement):
        if field in ("body", "orelse", "finalbody", "handlers", "annotation", "cases"):
            continue
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, ast.expr):
                yield from _of(part)
            elif isinstance(part, ast.withitem):
                yield from _of(part.context_expr)


def _of(node: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """The mistakes in an expression and all of its parts."""
    for part in ast.walk(node):
        if isinstance(part, ast.expr) and not _in_format(node, part):
            for other in _others(part):
                text = ast.unparse(other)
                yield (
                    part,
                    text if isinstance(part, ast.Constant | ast.Name | ast.Attribute | ast.Call) else f"({text})",
                )


def _in_format(whole: ast.AST, part: ast.AST) -> bool:
    """Whether an expression is part of a formatted string, which is text for people."""
    return any(isinstance(n, ast.JoinedStr) and any(p is part for p in ast.walk(n)) for n in ast.walk(whole))


def _others(node: ast.expr) -> Iterator[ast.expr]:
    """An expression with one mistake."""

    def with_(**fields: object) -> ast.expr:
        other = copy.copy(node)
        for name, value in fields.items():
            setattr(other, name, value)
        return other

    match node:
        case ast.BinOp(op=op) | ast.BoolOp(op=op) if type(op) in _OPERATORS:
            yield with_(op=_OPERATORS[type(op)]())
        case ast.Compare(ops=[op]):
            for other in _COMPARISONS.get(type(op), (_OPERATORS.get(type(op), type(op)),)):
                yield with_(ops=[other()])
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() as value):
            yield from (ast.Constant(value + 1), ast.Constant(value - 1))
        case ast.Constant(value=float() as value):
            yield ast.Constant(2 * value if value else 1.0)
        case ast.IfExp(test=test):
            yield with_(test=ast.UnaryOp(ast.Not(), test))
        case ast.Subscript(slice=ast.Slice(lower=lower, upper=upper, step=step)):
            if lower is not None:
                yield with_(slice=ast.Slice(None, upper, step))
            if upper is not None:
                yield with_(slice=ast.Slice(lower, None, step))
        case ast.Call(func=ast.Name(id="range"), args=args):
            end = min(1, len(args) - 1)
            yield with_(args=[*args[:end], ast.BinOp(args[end], ast.Sub(), ast.Constant(1)), *args[end + 1 :]])
        case ast.Call(func=func, args=args):
            name = func.id if isinstance(func, ast.Name) else func.attr if isinstance(func, ast.Attribute) else ""
            if name in _NAMES:
                renamed = copy.copy(func)
                setattr(renamed, "id" if isinstance(func, ast.Name) else "attr", _NAMES[name])
                yield with_(func=renamed)
            if len(args) > 1 and name not in _SYMMETRIC and not any(isinstance(a, ast.Starred) for a in args[:2]):
                yield with_(args=[args[1], args[0], *args[2:]])
