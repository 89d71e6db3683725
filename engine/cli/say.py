"""What the command prints: every line of text for people goes to a terminal through here.

Names of files, words of errors and of the call come from outside: `engine.outside.printable` takes out of them what a
terminal would obey.
"""

from __future__ import annotations

import sys

from engine.outside.printable import printable


def say(text: object = "", *, problem: bool = False, flush: bool = False) -> None:
    """Print a text to standard output; what is a `problem`, or news of the program itself, to standard error."""
    print(printable(str(text)), file=sys.stderr if problem else sys.stdout, flush=flush)
