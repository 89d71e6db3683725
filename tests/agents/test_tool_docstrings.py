"""Descriptions from docstrings."""

import inspect

import pytest

from engine.agents.schema.docstring import DocText, check_style, read, read_class
from engine.errors import SettingsError

GOOGLE = """Book a table.

    Only for today.

    Args:
        guests (int): How many
            people come.
        *names: Who comes.

    Returns:
        str: What was booked.
    """
NUMPY = """Book a table.

    Only for today.

    Parameters
    ----------
    guests : int
        How many
        people come.
    names
        Who comes.

    Returns
    -------
    str
        What was booked.
    """
SPHINX = """Book a table.

    Only for today.

    :param guests: How many
        people come.
    :type guests: int
    :param names: Who comes.
    :returns: What was booked.
    """
READ = DocText("Book a table.\n\nOnly for today.", {"guests": "How many people come.", "names": "Who comes."})


@pytest.mark.parametrize(("doc", "style"), [(GOOGLE, "google"), (NUMPY, "numpy"), (SPHINX, "sphinx")])
def test_each_style_is_read_and_recognised(doc: str, style: str) -> None:
    assert read(doc, style) == READ  # type: ignore[arg-type]
    assert read(doc) == READ


def test_the_wrong_style_finds_no_parameters() -> None:
    assert read(GOOGLE, "sphinx").parameters == {}


@pytest.mark.parametrize("doc", [None, "", "   \n  "])
def test_no_docstring(doc: str | None) -> None:
    assert read(doc) == DocText()


def test_one_line_is_the_description() -> None:
    assert read("  Get the weather: in a city. ") == DocText("Get the weather: in a city.")


def test_what_cannot_be_parsed_is_the_description_as_it_is() -> None:
    broken = "Get it.\n\n:param: nothing"
    assert read(broken, "sphinx") == DocText(broken)


def test_an_unknown_style() -> None:
    with pytest.raises(SettingsError, match=r"docstring_style: 'gogle' is not a style; did you mean 'google'\?"):
        check_style("gogle")


def test_a_class_does_not_inherit_a_description() -> None:
    class Base:
        """The base."""

    class Derived(Base): ...

    assert inspect.getdoc(Derived) == "The base."
    assert read_class(Derived) == DocText()
    assert read_class(Base) == DocText("The base.")
