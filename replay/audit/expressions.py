"""Does it hold? Expressions such as `status == "resolved" and public_replies == 0`, safe to take from anybody.

Python's grammar, of which very little means anything here; nothing of it is ever executed. Comparisons do not fail:
what is missing is not smaller, not larger and not in anything, and neither is what is of another kind.
"""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Words = tuple[str, ...] | None
"""The only words that a name can hold; None: it can hold anything."""
Values = Mapping[str, Any]
Value = Callable[[Values], Any]
LONGEST, DEEPEST = 500, 20


class BadExpression(ValueError):
    """`place`: the character at which it goes wrong, from 1."""

    def __init__(self, place: int, why: str) -> None:
        super().__init__(f"at character {place}: {why}")
        self.place, self.why = place, why


@dataclass(frozen=True, slots=True)
class Expression:
    """`text` as it was written."""

    text: str
    _value: Value = field(repr=False)

    def holds(self, values: Values) -> bool:
        """`values`: what each of the names is."""
        return bool(self._value(values))


def expression(text: str, names: Mapping[str, Words]) -> Expression:
    """Raises BadExpression: too long, too deep, not Python, or more than is understood here."""
    if len(text) > LONGEST:
        raise BadExpression(LONGEST + 1, f"longer than {LONGEST} characters")
    strange = next((place for place, one in enumerate(text, 1) if not one.isprintable()), None)
    if strange is not None:
        raise BadExpression(strange, "a character that cannot be seen")
    return Expression(text, _Reader(text, names).read())


class _Reader:
    """Makes functions of a syntax tree; what is not understood is refused with its place."""

    def __init__(self, text: str, names: Mapping[str, Words]) -> None:
        self._indent = len(text) - len(text.lstrip(" "))
        self._text, self._names, self._fields = text[self._indent :], names, "fields" in names

    def read(self) -> Value:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(self._text, mode="eval")
        except SyntaxError as error:
            # Python counts bytes in some of its complaints, characters in others.
            end = len(self._text) + 1
            raise BadExpression(self._indent + min(error.offset or end, end), "this is not an expression") from None
        except (ValueError, RecursionError, MemoryError):
            raise BadExpression(1, "this is not an expression") from None
        return self._value(tree.body, 1)

    def _value(self, node: ast.expr, depth: int) -> Value:
        if depth > DEEPEST:
            raise self._bad(node, f"nested more than {DEEPEST} deep")
        match node:
            case ast.Constant(value=str() | bool() | int() | float() | None):
                return _constant(node.value)
            case ast.Name():
                return self._name(node)
            case ast.Subscript(value=ast.Name(id="fields"), slice=ast.Constant(value=str(name))) if self._fields:
                return lambda values: values["fields"].get(name)
            case ast.Tuple() | ast.List() | ast.Set():
                return _several([self._value(one, depth + 1) for one in node.elts])
            case ast.BoolOp():
                return _joined(isinstance(node.op, ast.And), [self._value(one, depth + 1) for one in node.values])
            case ast.UnaryOp(op=ast.Not()):
                inner = self._value(node.operand, depth + 1)
                return lambda values: not inner(values)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float())):
                return _constant(-ast.literal_eval(node.operand))
            case ast.Compare():
                return self._comparison(node, depth)
            case ast.Call(func=ast.Name(id="len"), args=[ast.Name() as counted], keywords=[]):
                return _length(self._name(counted))
            case _:
                raise self._bad(node, "this is not understood here. " + self._help())

    def _name(self, node: ast.Name) -> Value:
        name = node.id
        if name not in self._names:
            raise self._bad(node, "there is no such name. " + self._help())
        return lambda values: values.get(name)

    def _comparison(self, node: ast.Compare, depth: int) -> Value:
        sides = [node.left, *node.comparators]
        found = [self._value(side, depth + 1) for side in sides]
        steps = []
        for place, operation in enumerate(node.ops):
            one, other = sides[place : place + 2]
            if isinstance(operation, ast.Is | ast.IsNot) and not _is_none(other):
                raise self._bad(other, "only None comes after is")
            self._check_words(one, other)
            self._check_words(other, one)
            steps.append((COMPARISONS[type(operation)], found[place], found[place + 1]))
        return lambda values: all(compare(one(values), other(values)) for compare, one, other in steps)

    def _check_words(self, named: ast.expr, compared: ast.expr) -> None:
        """A word that a name never holds is a slip of the pen, not a question."""
        words = self._names.get(named.id) if isinstance(named, ast.Name) else None
        if words is None:
            return
        for one in compared.elts if isinstance(compared, ast.Tuple | ast.List | ast.Set) else [compared]:
            if isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value not in words:
                raise self._bad(one, "it is never that, only " + ", ".join(words))

    def _bad(self, node: ast.expr, why: str) -> BadExpression:
        before = self._text.encode()[: node.col_offset].decode(errors="ignore")
        return BadExpression(self._indent + len(before) + 1, why)

    def _help(self) -> str:
        custom = ', fields["name"]' if self._fields else ""
        return f"Names: {', '.join(self._names)}{custom}; len(name); and, or, not, in, comparisons"


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _constant(value: Any) -> Value:
    return lambda values: value


def _several(found: Iterable[Value]) -> Value:
    each = tuple(found)
    return lambda values: tuple(one(values) for one in each)


def _joined(every: bool, found: Iterable[Value]) -> Value:
    each = tuple(found)
    if every:
        return lambda values: all(one(values) for one in each)
    return lambda values: any(one(values) for one in each)


def _length(inner: Value) -> Value:
    def length(values: Values) -> int:
        value = inner(values)
        return len(value) if hasattr(value, "__len__") else 0

    return length


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """False where the two have no order."""

    def ordered(one: Any, other: Any) -> bool:
        try:
            return bool(compare(one, other))
        except TypeError:
            return False

    return ordered


def _within(one: Any, other: Any) -> bool:
    try:
        return one in other
    except TypeError:
        return False


COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: _ordered(operator.lt),
    ast.LtE: _ordered(operator.le),
    ast.Gt: _ordered(operator.gt),
    ast.GtE: _ordered(operator.ge),
    ast.In: _within,
    ast.NotIn: lambda one, other: not _within(one, other),
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}
