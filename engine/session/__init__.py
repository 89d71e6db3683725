"""The session that an application holds, its runner, and the nurseries behind it."""
