"""Rules about the repository itself: what a reader may rely on without looking."""
