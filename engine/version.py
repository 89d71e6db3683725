"""The version, which the package's metadata is made from: to look it up there takes 40 ms of a first session."""

VERSION = "0.1.0"
