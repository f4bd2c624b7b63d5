"""Can jobs be given what the secrets file holds? Said where a person looks, and not only when a job asks."""

from __future__ import annotations

from settings import Settings


def fault_of(settings: Settings) -> str:
    """Return what is wrong with the secrets file, never what is in it; empty where there is none, or nothing is wrong."""
    from workers.vault import BadSecretsFile, read_file

    if not settings.secrets_file:
        return ""
    try:
        read_file(settings.secrets_file)
    except BadSecretsFile as error:
        return str(error)
    return ""
