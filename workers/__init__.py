"""What runs behind the product, and what puts it together: Celery, the relay, the clock, the commands."""
