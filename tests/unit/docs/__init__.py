"""Run every snippet of the README and of docs/ as a reader would."""
