"""Secrets: a type that prints as `***`, what others repeat of one, and errors that carry none."""
