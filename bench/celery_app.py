"""What does Celery run in bench/compare.py? Tasks that note that they ran, by a byte, and do nothing else."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery

app: Any = Celery("bench", broker=os.environ["BENCH_AMQP"], backend=os.environ.get("BENCH_RESULTS") or None)
app.conf.update(
    task_acks_late=True,
    # What its guide says for many short tasks.
    worker_prefetch_multiplier=64,
    task_ignore_result=not os.environ.get("BENCH_RESULTS"),
    task_default_queue=os.environ["BENCH_QUEUE"],
    # As durable as our messages are: each is confirmed.
    broker_transport_options={"confirm_publish": True},
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
)
_MARKS = os.open(os.environ["BENCH_MARKS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)


@app.task(name="nothing")  # type: ignore[untyped-decorator, unused-ignore]
def nothing(uow: str) -> None:
    """Note that a task ran."""
    os.write(_MARKS, b"x" if uow else b"")
