"""What all codecs share: the pair of a field and a column, its refusals, and the converters that a codec is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any, Literal

from airflow_provider_lark.core.errors import SchemaMismatch, ValueMismatch
from airflow_provider_lark.core.fields.column import Column
from airflow_provider_lark.core.fields.schema import Field

Decode = Callable[[Any], Any]
Refuse = Callable[[Any, str], ValueMismatch]
UserKey = Literal["id", "email"]


@dataclass(frozen=True, slots=True)
class Converter:
    """One side of a codec: *read* gives the canonical value, *write* the side's own form of it."""

    read: Decode
    write: Decode


@dataclass(frozen=True, slots=True)
class TextForm:
    """A canonical form that also has a text.

    :param parse: canonical value of a text that is not empty; raises ValueError.
    :param expected: what *parse* takes, for the message.
    """

    kind: str
    parse: Callable[[str], Any]
    format: Callable[[Any], str]
    expected: str


@dataclass(frozen=True, slots=True)
class FieldColumn:
    """A field and the column that it is mapped to, with the choices that decide their canonical form."""

    field: Field
    column: Column
    time_zone: tzinfo = UTC
    user_key: UserKey = "id"
    find_user_id: Callable[[str], str | None] | None = None

    def refuse_lark(self, value: Any, expected: str) -> ValueMismatch:
        """Return the error for a value on its way from Lark to SQL."""
        return ValueMismatch(
            f"field {self.field.describe()} to column {self.column.describe()}: "
            f"got a {type(value).__name__}, expected {expected}"
        )

    def refuse_sql(self, value: Any, expected: str) -> ValueMismatch:
        """Return the error for a value on its way from SQL to Lark."""
        return ValueMismatch(
            f"column {self.column.describe()} to field {self.field.describe()}: "
            f"got a {type(value).__name__}, expected {expected}"
        )

    def mismatch(self, advice: str) -> SchemaMismatch:
        """Return the error for two types that do not fit; *advice* names what would."""
        return SchemaMismatch(
            f"field {self.field.describe()} and column {self.column.describe()} are incompatible: {advice}"
        )


def through_text(converter: Converter, form: TextForm, refuse_read: Refuse) -> Converter:
    """Return a converter that keeps *form* as text in *converter*."""
    parse, to_text, expected = form.parse, form.format, form.expected
    read_text, write_text = converter.read, converter.write

    def read(value: Any) -> Any:
        text = read_text(value)
        if text is None:
            return None
        try:
            return parse(text)
        except ValueError:
            raise refuse_read(text, expected) from None

    def write(canonical: Any) -> Any:
        return write_text(None if canonical is None else to_text(canonical))

    return Converter(read, write)


def after_read(converter: Converter, settle: Decode) -> Converter:
    """Return a converter whose read values, where there are any, go through *settle*."""
    inner = converter.read

    def read(value: Any) -> Any:
        canonical = inner(value)
        return None if canonical is None else settle(canonical)

    return Converter(read, converter.write)
