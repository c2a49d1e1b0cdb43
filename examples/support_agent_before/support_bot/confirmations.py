"""What the user has confirmed, as the chat window reports it."""

CONFIRMED = set()


def confirm_email(to: str, subject: str, body: str) -> None:  # noqa: ARG001
    """The user has clicked on "send"."""
    CONFIRMED.add(f"confirmed:{hash(f'{to}:{subject}')}")


def get_confirmation(confirmation_key: str) -> bool:
    return confirmation_key in CONFIRMED
