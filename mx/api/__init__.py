"""The REST API: `/api/v1`, one file per area, over the same `Desk` and the same read models as the pages."""
