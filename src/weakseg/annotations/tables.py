"""Reader of csv tables with a header."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from weakseg.errors import DataError


def read_table(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Read a csv row by row.

    Args:
        path: The csv; its first line names the columns.
        columns: Columns that must be there, and filled in every row.

    Yields:
        Where the row stands ("line 7"), and its values by column; values past the last named
        column are under "", separated by commas.

    Raises:
        DataError: The file cannot be read, a column is missing or a value is empty.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restkey="", skipinitialspace=True, strict=True)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise DataError(
                    f"expected the header {','.join(columns)}, but got "
                    f"{','.join(reader.fieldnames or ()) or 'an empty file'}",
                    path=path,
                    entry="line 1",
                )
            for row in reader:
                entry = f"line {reader.line_num}"
                empty = [name for name in columns if not row[name]]
                if empty:
                    raise DataError(f"{empty[0]} is empty", path=path, entry=entry)
                extra: list[str] = row.pop("", [])  # type: ignore[assignment]
                yield (
                    entry,
                    {name: (value or "").strip() for name, value in row.items()}
                    | {"": ",".join(extra)},
                )
    except FileNotFoundError:
        raise DataError("there is no such file", path=path) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"is not readable as csv ({error})", path=path) from error
