"""What a simulated mail server refuses: the backend's keys `smtp://host:port`."""

from __future__ import annotations

from collections.abc import Mapping


def refusals(key: str, answer: object) -> Mapping[str, str]:
    """The backend's word about a mail server: the recipients that it refuses. Raises ValueError."""
    if not isinstance(answer, Mapping):
        raise ValueError(  # noqa: TRY004  (all problems are ValueErrors)
            f"the answer of backend key {key!r} is {answer!r}: give {{}}, or the recipients that it refuses, such as "
            "{'nobody@example.com': '550 No such user'}"
        )
    wrong = [
        f"{name!r}: {said!r}" for name, said in answer.items() if not (isinstance(said, str) and said[:1] in "45" and said[:3].isdigit())
    ]
    if wrong:
        raise ValueError(f"backend key {key!r} refuses {', '.join(wrong)}: give a reply of 4xx or 5xx, such as '550 No such user'")
    return {str(name).lower(): said for name, said in answer.items()}
