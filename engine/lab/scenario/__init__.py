"""What happens in a simulated call: its file, and what is drawn, said and heard in it."""
