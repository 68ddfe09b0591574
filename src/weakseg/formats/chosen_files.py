"""Files of a format in a folder, and a finding about those that look like some and are none."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from weakseg.formats.source import SourceOptions
from weakseg.support.folders import files_below, files_of
from weakseg.support.wording import counted


def chosen_files(
    path: Path,
    patterns: Sequence[str],
    belongs: Callable[[Path], bool],
    options: SourceOptions,
    *,
    beside: Collection[str] = (),
) -> list[Path]:
    """List the files of a format, as `files_of`; a finding counts the others of the patterns.

    A damaged file may not look like one of the format any more, so none is passed over in silence.

    Args:
        path: A file, which is taken as it is, or a folder.
        patterns: Where in the folder the files may be.
        belongs: Whether a file is of the format.
        options: Collect the finding.
        beside: Names of files that the tool writes beside them.

    Raises:
        DataError: There is none.
    """
    files = files_of(path, patterns, belongs)
    inside = files_below(path, *patterns) if path.is_dir() else []
    passed = {*files, *(file for file in inside if file.name in beside)}
    others = [file for file in inside if file.is_file() and file not in passed]
    if others:
        count = counted(len(others), "file is", "files are")
        message = (
            f"{count} not of the format of the others; left out, this one for example: an import "
            "that names them, too, joins their marks"
        )
        options.search.note(message, others[0], "unread")
    return files
