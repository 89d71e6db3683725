"""Virtual time for tests and simulations: a clock that jumps, and a task schedule that stays the same."""
