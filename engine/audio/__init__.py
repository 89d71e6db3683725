"""Audio as numbers: G.711, sample rates, WAV files. Pure, and without numpy.

Everywhere in the engine PCM is signed 16 bit, little-endian, mono. How bytes relate to milliseconds is in
`engine.wire.formats`.
"""
