"""Show pictures to people: in a terminal or in a browser window."""
