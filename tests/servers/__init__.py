"""The real servers that the tests run against: PostgreSQL, Valkey, an SMTP server and a browser."""
