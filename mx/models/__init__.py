"""What the dashboard shows, as data: pages and API answer with the same models."""
