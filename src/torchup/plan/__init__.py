"""Pure: which build fits a machine, why, and why not the others."""
