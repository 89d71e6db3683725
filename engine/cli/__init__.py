"""The `engine` command: calls to watch and to listen to, and the local model on a port. Only here is `rich` used."""
