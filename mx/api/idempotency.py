"""What if a client asks twice, since it did not hear the answer? The same `Idempotency-Key` brings the same answer.

Nothing is done again. The first request claims its key before it does anything, in the store, so two mx, or one that was restarted, do it
once. Its answer is kept for a day. A request that was cut off between the two, as by a store that went away, leaves a key without an
answer. Who comes with it again carries on: each command bears the mark of its key, so what was stored is found, and only the rest is done.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Any
from uuid import uuid4

from flask import Flask, Response, current_app, g, request

from db.model_papers import Paper
from mx.api.problems import Refused
from mx.desk_papers import PaperDesk
from mx.security.roles import is_steering
from system.errors import HorariumError

log = logging.getLogger(__name__)

KIND = "idempotency"
HEADER, REPEATED = "Idempotency-Key", "Idempotent-Replayed"
KEPT = timedelta(days=1)
_LONGEST = timedelta(minutes=2)  # no request takes longer
_LONGEST_KEY = 255
_KEY = re.compile("[!-~]*")
_SWEPT_AT_ONCE = 100
_MOST_KEPT = 65_536  # bytes of a refusal
_METHODS = ("POST", "PATCH", "PUT", "DELETE")
_KEPT_HEADERS = ("Content-Type", "Location")


class Idempotency:
    """Answers repeated requests of an app by what was answered the first time."""

    def __init__(self, shelf: PaperDesk, now: Callable[[], datetime]) -> None:
        self._shelf = shelf
        self._now = now
        self._own = uuid4().hex  # who claims: this mx, until it ends
        self._here: Counter[str] = Counter()  # by key, how many requests are here
        self._lock = Lock()

    def guard(self, app: Flask) -> None:
        """Stand before what changes something, behind the gate."""
        app.before_request(self._before)
        app.after_request(self._after)
        app.teardown_request(self._gone)

    def _before(self) -> Response | None:
        key = request.headers.get(HEADER, "")
        if not key or request.method not in _METHODS or not request.path.startswith("/api/") or not _is_change():
            return None
        if len(key) > _LONGEST_KEY or not _KEY.fullmatch(key):
            raise Refused(422, f"the {HEADER} is no text of at most {_LONGEST_KEY} printable characters: send a UUID")
        digest = _digest(g.user.name, key)
        with self._lock:
            self._here[digest] += 1
        g.idempotent_here = digest
        claim = Paper(KIND, digest, 1, self._claimed(uuid4().hex), self._now() + KEPT)
        if self._shelf.put_paper(claim):
            g.idempotency = claim
            return None
        return self._repeated(claim)

    def _claimed(self, mark: str) -> str:
        """Return what stands under a key while its request is carried out. `mark` stays, whoever carries it on."""
        return json.dumps({"asked": _asked(), "by": self._own, "at": self._now().isoformat(), "mark": mark})

    def _repeated(self, claim: Paper) -> Response | None:
        """Return what was answered to the request that has the key already."""
        found = self._shelf.paper(claim.kind, claim.key)
        if found is None or (found.until is not None and found.until < self._now()):
            self._claim_again(claim, found)
            return None
        said: dict[str, Any] = json.loads(found.text)
        if said["asked"] != _asked():
            raise Refused(422, f"this {HEADER} came with another request before: send a new key with what is new")
        if "status" not in said:
            self._carry_on(found, said)
            return None
        response = Response(said["body"], said["status"], headers=said["headers"])
        response.headers[REPEATED] = "true"
        return response

    def _carry_on(self, found: Paper, said: dict[str, Any]) -> None:
        """Take the key of a request that was cut off; one that another mx has, or had, is taken to be over in a while."""
        with self._lock:
            is_here = self._here[found.key] > 1
        age = self._now() - datetime.fromisoformat(said["at"])
        claim = replace(found, version=found.version + 1, text=self._claimed(said["mark"]))
        if (is_here if said["by"] == self._own else age < _LONGEST) or not self._shelf.put_paper(claim):
            cut_off = f"where the dashboard that it came to was ended meanwhile, in {_LONGEST.seconds // 60} minutes"
            raise Refused(409, f"a request with this {HEADER} is being carried out: ask again in a moment; {cut_off}")
        g.idempotency = claim

    def _gone(self, _: BaseException | None) -> None:
        if digest := g.pop("idempotent_here", ""):
            with self._lock:
                self._here -= Counter([digest])  # without those that are none any more

    def _claim_again(self, claim: Paper, old: Paper | None) -> None:
        """Take a key whose day is over, or which was let go meanwhile."""
        if old is not None:
            self._shelf.drop_paper(old.kind, old.key, old.version)
        if not self._shelf.put_paper(claim):
            raise Refused(409, f"another request with this {HEADER} came at the same time: ask again in a moment")
        g.idempotency = claim

    def _after(self, response: Response) -> Response:
        claim: Paper | None = g.get("idempotency")
        if claim is None or response.status_code >= 500:
            return response  # cut off
        try:
            self._keep(claim, response)
        except HorariumError as error:  # what was done is done, and is to be told
            log.warning("the answer to %s %s is not kept, and is found again if asked for: %s", request.method, request.path, error)
        return response

    def _keep(self, claim: Paper, response: Response) -> None:
        if response.status_code >= 400 and (response.content_length or 0) > _MOST_KEPT:
            self._shelf.drop_paper(claim.kind, claim.key, claim.version)  # a long list of faults: nothing was done, as next time
            return
        headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
        said = {"asked": _asked(), "status": response.status_code, "headers": headers, "body": response.get_data(as_text=True)}
        if self._shelf.put_paper(replace(claim, version=claim.version + 1, text=json.dumps(said))):
            g.idempotency = None
            self._shelf.drop_papers(KIND, self._now(), _SWEPT_AT_ONCE)


def mark() -> str:
    """Return the mark of the request's key, for the commands that it gives: the same however often it comes. Empty without a key."""
    claim: Paper | None = g.get("idempotency")
    return str(json.loads(claim.text)["mark"]) if claim else ""


def _is_change() -> bool:
    """Return whether the request changes something. A question that comes as a POST takes no more than a viewer, and is asked anew."""
    return is_steering(current_app.view_functions.get(request.endpoint or ""))


def _asked() -> str:
    """Return what marks a request: the same only for the same."""
    parts = (request.method.encode(), request.full_path.encode(), request.get_data(cache=True))
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _digest(who: str, key: str) -> str:
    return hashlib.sha256(f"{who}\0{key}".encode()).hexdigest()
