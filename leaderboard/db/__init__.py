"""The board's tables, their migrations, and the queries that read them."""
