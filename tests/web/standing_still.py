"""A clock for quotas that the test moves."""


class Now:
    """It stands still until it is moved; in seconds."""

    at = 0.0

    def __call__(self) -> float:
        return self.at
