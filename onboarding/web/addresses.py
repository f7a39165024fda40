"""The e-mail address that somebody types in: the same ones that the API takes."""

from onboarding.web.fields import email, no_email

__all__ = ["email", "no_email"]
