"""Turns in the formats of other people's tools. The heavy ones are imported when they are asked for."""
