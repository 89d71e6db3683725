"""The promises of the design, each as an observer that sits at the edges of a session and objects when one is broken.

They know nothing of the engine's inside: they see what the server says and is sent, what the application asks for
and gets, and what reaches its tools and guardrails. The same observers watch the bare machine and whole sessions.

base.py            what can be observed; `PromiseBroken`
responses.py       1: one start and one end for each response
audio.py           2: byte for byte, and nothing after an interruption
calls.py           3: one output for each call
requests.py        4: who may speak next
agents.py          5: settings before outputs, calls answered by whoever made them
guardrails.py      6: all text is checked
order.py           7: history in the server's order
interruptions.py   7: what was heard, and what the server is told of it
sending.py         9: control before the audio that was sent after it
transparency.py    10: nothing hides
waits.py           16: no wait without a bound and an event
settings.py        17: what the server confirmed is what counts
watch.py           all of them together
"""
