"""How does hypothesis run here? Without a deadline, since machines that build are busy, and without files of its own."""

from hypothesis import settings

settings.register_profile("horarium", deadline=None, database=None)
settings.load_profile("horarium")
