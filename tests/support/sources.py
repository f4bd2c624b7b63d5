"""What does a source file say, as the rules of the house need it: its imports, the full names it uses, its functions?"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_NOT_OURS = {".venv", "venv", "var", "node_modules", "htmlcov", "__pycache__"}
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


class Source:
    """One Python file: `path` relative to the repository, such as `system/clock.py`."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.tree = ast.parse(text)

    @property
    def floor(self) -> str:
        """The folder at the top that the file is in; for a file at the top its own module name."""
        return self.path.partition("/")[0].removesuffix(".py")

    @property
    def module(self) -> str:
        """The dotted name that the file is imported by."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the file."""
        return list(ast.walk(self.tree))

    @cached_property
    def imports(self) -> list[tuple[int, str]]:
        """Line and full name of everything that is imported, wherever in the file and however."""
        return [(node.lineno, name) for node in self.nodes if isinstance(node, ast.stmt | ast.expr) for name in self._imported(node)]

    def _imported(self, node: ast.AST) -> list[str]:
        if isinstance(node, ast.Import):
            return [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            base = self._base(node)
            return [f"{base}.{alias.name}" for alias in node.names]
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            return [node.args[0].value] if called in {"import_module", "__import__"} else []
        return []

    def _base(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.path.split("/")[: -node.level]
        return ".".join([*package, *([node.module] if node.module else [])])

    @cached_property
    def _aliases(self) -> dict[str, str]:
        found = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                found.update({alias.asname or alias.name.partition(".")[0]: alias.asname and alias.name for alias in node.names})
            elif isinstance(node, ast.ImportFrom):
                found.update({alias.asname or alias.name: f"{self._base(node)}.{alias.name}" for alias in node.names})
        return {short: full or short for short, full in found.items()}

    def names(self) -> Iterator[tuple[int, str]]:
        """Yield line and full name of every dotted name that begins with an import: `t.sleep` after `import time as t` is `time.sleep`."""
        for node in self.nodes:
            if isinstance(node, ast.Attribute | ast.Name) and (name := self.full_name(node)):
                yield node.lineno, name

    def full_name(self, node: ast.AST) -> str:
        """Return a dotted name in full where it begins with an import, empty else."""
        if isinstance(node, ast.Name):
            return self._aliases.get(node.id, "")
        if isinstance(node, ast.Attribute) and (owner := self.full_name(node.value)):
            return f"{owner}.{node.attr}"
        return ""

    @cached_property
    def functions(self) -> list[FunctionNode]:
        """Every function and method, nested ones too."""
        return [node for node in self.nodes if isinstance(node, FunctionNode)]


def files(*suffixes: str) -> list[Path]:
    """Return the repository's own files with one of `suffixes`, all files where none is given; sorted."""
    found = []
    waiting = [ROOT]
    while waiting:
        for path in waiting.pop().iterdir():
            hidden = path.name.startswith(".") and path.name not in {".ci", ".gitignore", ".github"}
            if hidden or path.name in _NOT_OURS or path.is_symlink():
                continue
            if path.is_dir():
                waiting.append(path)
            elif not suffixes or path.suffix in suffixes:
                found.append(path)
    return sorted(found)


def sources() -> list[Source]:
    """Return every Python file of the repository."""
    return [Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in files(".py")]
