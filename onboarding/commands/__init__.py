"""What the commands of `onboarding.cli` do, a file a subject; none of them knows Typer."""
