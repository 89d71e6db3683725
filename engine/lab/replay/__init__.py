"""Record a session as it goes over the wire, play it again to a program, and compare."""
