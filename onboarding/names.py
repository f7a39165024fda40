"""Names that people give: how long one may be, wherever it is given or changed."""

from typing import Final

# Characters of a connection's name: one that is longer fills a list.
CONNECTION_AT_MOST: Final = 80
