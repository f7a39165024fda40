"""Lets `python -m onboarding` be the product's commands, without the ones that need Celery."""

from onboarding.cli import main

if __name__ == "__main__":
    main()
