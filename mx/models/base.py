"""What do all read models share? They can't be changed, refuse what they don't know, and hold instants in UTC."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A frozen record that a page shows and the API answers with."""

    model_config = ConfigDict(frozen=True, extra="forbid")
