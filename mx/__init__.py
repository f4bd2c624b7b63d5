"""The dashboard: pages and JSON over a `Desk`, a Protocol that the roof answers."""
