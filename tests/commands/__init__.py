"""The commands, each as a terminal sees it."""
