"""Does the same deed take the same role, whether it is done by a page or by the API?"""

from __future__ import annotations

import inspect
import re
from collections import defaultdict

from flask import Flask

from launcher.parts import Roof
from launcher.web.desk import WebDesk
from launcher.web.parts import WebParts
from mx.app import create_app
from mx.security.open_gate import OpenGate
from mx.security.roles import needed_role

DEEDS = ("give", "command_entry", "switch_process", "start_on", "stop_on", "forget_box", "purge_queue", "requeue_dead", "drop_dead")
_CALLED = re.compile(rf"desk\.({'|'.join(DEEDS)})\(")


def app() -> Flask:
    return create_app(WebDesk(WebParts(Roof(environ={"HORARIUM_SETTINGS": "none"}))), OpenGate(), monotonic=lambda: 0.0)


def test_a_deed_takes_one_role_wherever_it_is_done() -> None:
    roles: defaultdict[str, set[str]] = defaultdict(set)
    for view in app().view_functions.values():
        role = needed_role(view)
        for deed in _CALLED.findall(inspect.getsource(inspect.unwrap(view))):
            roles[deed].add(role.value if role else "none")
    assert {deed: found for deed, found in roles.items() if len(found) > 1} == {}
    assert roles["purge_queue"] == roles["forget_box"] == {"admin"}
    assert roles["give"] == {"operator"}
