"""The promises of the product, each tried through its front door."""

from pkgutil import iter_modules

import pytest

# An assertion that fails outside of a test's own file says with which values, too.
pytest.register_assert_rewrite(*(f"{__name__}.{each.name}" for each in iter_modules(__path__)))
