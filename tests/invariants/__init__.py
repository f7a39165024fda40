"""The checker finds each thing that must not be, and nothing in a healthy database."""
