"""Who may do what in mx: roles, accounts, sessions, tokens, and what stands between a request and a page."""
