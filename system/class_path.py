"""Does a dotted class path lead to something? Looked up from the user's folder without importing anything."""

from __future__ import annotations

import ast
import keyword
import sys
import tokenize
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

# Where a module makes names by one of these, only running it could tell which names it has.
_MAKES_NAMES = frozenset({"globals", "setattr", "exec", "eval", "vars", "__getattr__"})


def class_path_fault(path: str, folder: str) -> str:
    """Return what is wrong with `path`, such as `jobs.count` or `jobs.Counter.count`; empty when nothing is.

    Modules are searched in `folder`, then where Python looks. An empty `folder` means that only the syntax is checked.
    """
    parts = path.split(".")
    if len(parts) < 2 or not all(part.isidentifier() and not keyword.iskeyword(part) for part in parts):
        return f"{path!r} is no dotted path: write 'module.function' or 'module.Class.method'"
    if not folder:
        return ""
    if parts[0] in sys.stdlib_module_names and (own := _own(parts[0], folder)):
        return f"{path!r}: Python has a module {parts[0]!r} of its own, which may be found instead of {own}: rename yours"
    specs = find_modules(parts, [folder, *sys.path])
    rest = parts[len(specs):]
    if not specs:
        return f"{path!r}: no module {parts[0]!r} in {folder} nor where Python looks: correct the path, or add the module"
    if not rest:
        return f"{path!r} names a module: add the function, such as '{path}.run'"
    if len(rest) > 2 or _is_bare_folder(specs[-1]):
        return f"{path!r}: {'.'.join(parts[: len(specs)])!r} has no module {rest[0]!r}: correct the path, or add the module"
    return _name_fault(path, specs[-1], rest[0], folder)


def find_modules(parts: list[str], path: list[str]) -> list[ModuleSpec]:
    """Return the specs of the packages and the module that `parts` starts with, outermost first, as far as they exist on `path`."""
    if parts[0] in sys.builtin_module_names:
        return [ModuleSpec(parts[0], None)]
    found = []
    for part in parts:
        # Only the last part of a name counts for a path finder; a full name would make namespace packages ask for imported parents.
        spec = PathFinder.find_spec(part, path)
        if spec is None:
            break
        found.append(spec)
        if spec.submodule_search_locations is None:
            break
        path = list(spec.submodule_search_locations)
    return found


def _own(name: str, folder: str) -> Path | None:
    """Return the user's file or folder of the module `name`, None where there is none."""
    return next((path for path in (Path(folder, f"{name}.py"), Path(folder, name)) if path.exists()), None)


def _is_bare_folder(spec: ModuleSpec) -> bool:
    return spec.submodule_search_locations is not None and not spec.has_location


def _name_fault(path: str, spec: ModuleSpec, name: str, folder: str) -> str:
    """Return what is wrong with `name` in a module of the user's own; other people's modules are taken as they are."""
    if spec.origin is None or not spec.has_location or not Path(spec.origin).is_relative_to(folder):
        return ""
    try:
        with tokenize.open(spec.origin) as file:
            names = names_in(file.read())
    except SyntaxError as error:
        return f"{path!r}: {spec.origin} line {error.lineno} can't be read: {error.msg}; mend the module"
    except (OSError, ValueError) as error:
        return f"{path!r}: {spec.origin} can't be read: {error}; mend the module"
    if names is None or name in names:
        return ""
    import difflib

    near = difflib.get_close_matches(name, names, 1)
    hint = f"did you mean {near[0]!r}?" if near else "correct the path, or add it"
    return f"{path!r}: {spec.origin} has no {name!r}; {hint}"


@lru_cache(maxsize=256)
def names_in(source: str) -> frozenset[str] | None:
    """Return the names that a module's source binds, None where only running it could tell; raises SyntaxError."""
    tree = ast.parse(source)
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Global) or _mentions(node) & (_MAKES_NAMES | {"*"}):
            return None
    open_nodes: list[ast.AST] = [tree]
    while open_nodes:
        node = open_nodes.pop()
        names |= _bound(node)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            open_nodes.extend(ast.iter_child_nodes(node))
    return frozenset(names)


def _mentions(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Name):
        return {node.id}
    if isinstance(node, ast.FunctionDef):
        return {node.name}
    return {alias.name for alias in node.names} if isinstance(node, ast.ImportFrom) else set()


def _bound(node: ast.AST) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return {node.id} if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) else set()
