"""Signing sellers in: our client against hostile providers, and the sandbox against hostile clients."""
