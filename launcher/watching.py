"""Which changed context may a process take up while it runs? The watch over its file, for whoever needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from launcher.parts import Joined, Roof
from system.context import Context
from system.context_check import context_file, load_context
from system.context_watch import ContextWatch


@contextmanager
def watching(roof: Roof, parts: Joined) -> Iterator[ContextWatch]:
    """Watch the file of the context while inside."""
    from scheduler.registry import fit, read_registered

    where, start = roof.settings.context, roof.settings.timetable_start

    def refusal_of(context: Context) -> str:
        if context.folder != roof.context.folder:
            return f"it moved from {roof.context.folder} to {context.folder}: start `launch.py up` again"
        return fit(read_registered(parts.store), context, start, roof.clock.now(), 0).refusal

    watch = ContextWatch(context_file(where), roof.context, lambda: load_context(where, start), refusal_of)
    watch.start()
    try:
        yield watch
    finally:
        watch.close()
