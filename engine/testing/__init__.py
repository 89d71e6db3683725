"""What tests and simulations of an application need: virtual time."""
