"""Replies of the local model, chosen from a dialogue description."""
