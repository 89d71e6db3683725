"""Audio as numbers, without numpy: G.711, sample rates, levels and WAV files.

Everywhere in the engine PCM is signed 16 bit, little-endian, mono. How bytes relate to milliseconds is in
`engine.wire.formats`.
"""
