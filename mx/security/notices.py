"""How does a sentence outlast the redirect after a form? In a signed cookie for a moment; logins are kept elsewhere."""

from __future__ import annotations

from flask import Flask, request
from flask.sessions import SecureCookieSessionInterface

from mx.security.secrets import new_secret


class _Notices(SecureCookieSessionInterface):
    """Flask's session, sent by TLS only where the visitor came by TLS."""

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002  Flask calls it so
        """Say whether the cookie may go by TLS only."""
        return request.is_secure


def keep_notices(app: Flask) -> None:
    """Let pages of `app` flash sentences. Who signs them is this process: those of another one are not shown."""
    app.secret_key = new_secret()
    app.session_interface = _Notices()
    app.config.update(SESSION_COOKIE_NAME="horarium-notice", SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SAMESITE="Strict")
