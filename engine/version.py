"""The version of the package.

The package's metadata is made from it: to look it up there takes 40 ms of a first session.
"""

VERSION = "0.1.0"
