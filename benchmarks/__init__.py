"""What a session costs, side by side: this engine, the bare floors of its runtime, and four peers. See README.md."""
