"""The faces that speak HTTP: pages for people, an API for systems."""
