"""Which headers does each answer carry, so that a browser does nothing with it that we did not mean?"""

from __future__ import annotations

from collections.abc import Mapping

# Scripts, styles and pictures are our own files; nothing inline, nothing from elsewhere, no frame around us. A form goes to us only.
CONTENT_POLICY = "; ".join([
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
])  # fmt: skip

_ALWAYS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()",
}
_A_YEAR_S = 31_536_000


def security_headers(*, is_tls: bool, is_private: bool) -> dict[str, str]:
    """Return the headers of an answer. `is_private`: it was made for one visitor, so nothing on its way may keep it."""
    found = dict(_ALWAYS)
    if is_tls:
        found["Strict-Transport-Security"] = f"max-age={_A_YEAR_S}"
    if is_private:
        found["Cache-Control"] = "no-store"
    return found
