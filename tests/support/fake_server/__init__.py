"""A server in miniature: what a realtime server promises and demands, by the protocol notes, and nothing else.

records.py   what it remembers
speaking.py  the conversation, and the model that speaks in it
server.py    the rules, without time: client events in, server events out
aliases.py   ids used again or left out, and events told twice, on the way between client and server
model.py     the same over virtual time, as a model that a session can connect to
"""
