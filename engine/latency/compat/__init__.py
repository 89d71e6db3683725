"""Metrics of other projects, computed from our logs by their own definitions.

Nobody agrees where a clock starts, and some definitions clamp, round or leave out. Here they do so too, and say so.
"""
