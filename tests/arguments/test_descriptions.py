"""Descriptions from docstrings of every usual style."""

from __future__ import annotations

import functools

import pytest

from pytest_agentready.adapters.python import adapt
from pytest_agentready.arguments.descriptions import read_docstring

GOOGLE = """Look up an order.

    It may take a while.

    Args:
        order_id (str): The order's number,
            such as 1001.
        **kwargs: ignored

    Returns:
        The order.
    """
NUMPY = """Look up an order.

    Parameters
    ----------
    order_id : str
        The order's number,
        such as 1001.
    """
SPHINX = """Look up an order.

    :param order_id: The order's number, such as 1001.
    :type order_id: str
    :returns: The order.
    """
EPYTEXT = """Look up an order.

    @param order_id: The order's number, such as 1001.
    """
PLAIN = """Look up an order.

    order_id: The order's number, such as 1001.
    """
BULLETS = """Look up an order.
    - `order_id` - The order's number, such as 1001.
    """


@pytest.mark.parametrize(
    "text", [GOOGLE, NUMPY, SPHINX, EPYTEXT, PLAIN, BULLETS], ids=["google", "numpy", "sphinx", "epytext", "plain", "bullets"]
)
def test_every_style_is_read(text: str) -> None:
    assert read_docstring(text, {"order_id", "kwargs"})[0] == "Look up an order."
    assert read_docstring(text, {"order_id"})[1] == {"order_id": "The order's number, such as 1001."}


@pytest.mark.parametrize("text", [None, "", "  \n ", "\n    Args:\n        order_id: The number.\n", ":param order_id: The number."])
def test_a_list_of_parameters_is_no_description(text: str | None) -> None:
    assert read_docstring(text, {"order_id"})[0] == ""


def test_a_line_with_a_colon_describes_no_parameter_of_another_name() -> None:
    assert read_docstring("Look up an order.\n\nNote: it is slow.", {"order_id"}) == ("Look up an order.", {})


class Clerk:
    """Looks up orders."""

    def __call__(self, order_id: str) -> None: ...


class Bare:
    def __call__(self, order_id: str) -> None: ...


def look_up(order_id: str, region: str) -> None:
    """Look up an order."""


def bare(order_id: str) -> None: ...


@pytest.mark.parametrize(
    ("tool", "description"),
    [
        (look_up, "Look up an order."),
        (functools.partial(look_up, region="eu"), "Look up an order."),
        (Clerk(), "Looks up orders."),
        (Bare(), ""),
        (bare, ""),
        (functools.partial(bare, order_id="1"), ""),
    ],
)
def test_the_tools_own_words_are_taken_and_never_pythons(tool: object, description: str) -> None:
    adapted = adapt(tool)
    assert adapted is not None
    assert adapted.description == description


def test_parameters_that_share_a_line_share_its_description() -> None:
    text = "Temperature.\n\nParameters\n----------\nlat, lon : float\n    Degrees."
    assert read_docstring(text, {"lat", "lon"}) == ("Temperature.", {"lat": "Degrees.", "lon": "Degrees."})


def test_two_hyphens_are_a_dash() -> None:
    assert read_docstring("Temperature.\n\nlat -- degrees north", {"lat"})[1] == {"lat": "degrees north"}
