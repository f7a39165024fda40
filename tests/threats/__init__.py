"""Threats by their number in the threat list, each as somebody who tries it."""
