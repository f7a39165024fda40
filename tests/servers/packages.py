"""Finds what a package brought along, without running its code."""

from importlib.util import find_spec
from pathlib import Path


def package_folder(name: str) -> Path:
    """The folder of an installed package. Raises ModuleNotFoundError where it is missing."""
    package = find_spec(name)
    if package is None or package.origin is None:
        raise ModuleNotFoundError(f"The package {name} is not installed: run `make test`.")
    return Path(package.origin).parent
