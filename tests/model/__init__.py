"""The product as a small world that is searched to its ends, and held against the real one."""
