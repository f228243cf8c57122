"""Rows on their way between DuckDB, which has them as Arrow, and pandas."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def as_arrow(frame: "pd.DataFrame") -> Any:
    """The frame as Arrow rows, which DuckDB reads where they lie; as it is where it has Python's objects."""
    import pyarrow as pa

    if any(kind == "object" for kind in frame.dtypes):
        return frame
    return pa.Table.from_pandas(frame, preserve_index=False)


def framed(found: "pa.Table") -> "pd.DataFrame":
    """Arrow rows as `Session.frame` gives them; each column is let go of as soon as it is taken over."""
    import pandas as pd
    import pyarrow as pa

    days = [field.name for field in found.schema if pa.types.is_date(field.type)]
    gaps: dict[str, Any] = {}
    for name, column in zip(found.column_names, found.columns, strict=True):
        is_whole = pa.types.is_integer(column.type)
        if column.null_count and (is_whole or pa.types.is_boolean(column.type)):
            values, missing = column.fill_null(0 if is_whole else False), column.is_null().to_numpy()
            kind: Any = pd.arrays.IntegerArray if is_whole else pd.arrays.BooleanArray
            gaps[name] = kind(values.to_numpy().copy(), missing.copy())
    frame = found.to_pandas(split_blocks=True, self_destruct=True, date_as_object=False)
    return frame.assign(**gaps).astype(dict.fromkeys(days, "datetime64[us]"))
