"""Scenario files, and the agents, sounds and random draws of the calls that they describe."""
