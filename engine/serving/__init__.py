"""What any server of conversations needs: a boundary for faults, a door for guests, limits, and turns for long work."""
