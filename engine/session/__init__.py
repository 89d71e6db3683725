"""What an application holds of one conversation, and the nurseries behind it."""
