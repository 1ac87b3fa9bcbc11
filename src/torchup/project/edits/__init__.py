"""One file for each kind of project file: how the planned builds are written into it."""
