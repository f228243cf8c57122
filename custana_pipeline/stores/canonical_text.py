"""How a pack's columns are written before they are judged: ids in one spelling, numbers with a point."""

from dataclasses import dataclass

from custana_pipeline.stores.sql_text import literal

ID_COLUMNS = ("order_id", "customer_id", "product_id")
NUMBER_COLUMNS = ("quantity", "unit_price", "amount")
UNPARSABLE = "not a number"
_UNICODE_BLANKS_AROUND = r"^[\s\p{Z}]+|[\s\p{Z}]+$"


@dataclass(frozen=True)
class NumberMarks:
    """The marks that a source writes its numbers with; thousands have no mark where it is empty."""

    decimal_mark: str = "."
    thousands_mark: str = ""

    @property
    def pattern(self) -> str:
        """The numbers as written, where they are not written as DuckDB reads them; else nothing."""
        if (self.decimal_mark, self.thousands_mark) == (".", ""):
            return ""
        groups = rf"|\d{{1,3}}([{self.thousands_mark}]\d{{3}})+" if self.thousands_mark else ""
        return rf"[+-]?(\d+{groups})?([{self.decimal_mark}]\d*)?".replace("'", "''")


PLAIN_NUMBERS = NumberMarks()


def shown_as(column: str, numbers: NumberMarks) -> str:
    """A canonical column of the pack as the cleaned models read it: ids in one spelling, numbers with a point."""
    if column in ID_COLUMNS:
        # most ids are plain ASCII, for which comparing two lengths is all the work
        return (
            f"case when strlen({column}) = length({column}) then {column} else nfc_normalize("
            f"regexp_replace({column}, '{_UNICODE_BLANKS_AROUND}', '', 'g')) end as {column}"
        )
    if column in NUMBER_COLUMNS and not numbers.pattern:
        # DuckDB reads 1_000 as a thousand
        return f"case when contains({column}, '_') then '{UNPARSABLE}' else {column} end as {column}"
    if column in NUMBER_COLUMNS:
        plain = (
            f"replace(replace({column}, {literal(numbers.thousands_mark)}, ''), {literal(numbers.decimal_mark)}, '.')"
        )
        return (
            f"case when regexp_full_match(trim({column}), '{numbers.pattern}') then {plain} "
            f"when trim({column}) <> '' then '{UNPARSABLE}' end as {column}"
        )
    return column
