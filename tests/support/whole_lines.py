"""What do other processes write into a file line by line, as far as it is there?"""

from __future__ import annotations

from pathlib import Path


def whole_lines(path: Path) -> list[str]:
    """Return the lines that are written to their ends, none without a file.

    One that is being written over the border of two pages of the file is seen in halves by who reads it meanwhile.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return text[: text.rfind("\n") + 1].splitlines()
