"""How do commands act on a deployment that is elsewhere? By its dashboard's REST API, instead of a store of their own."""
