"""Other people's figures, recomputed from our logs, so that numbers can be held against published tables.

Nobody agrees where a clock starts, and some definitions clamp, round or leave out. Here they do so too, and say so.
"""
