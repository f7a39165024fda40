"""What must hold when something dies."""
