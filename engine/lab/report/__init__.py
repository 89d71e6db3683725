"""HTML pages about one run or two: figures, plots, turns and a verdict."""
