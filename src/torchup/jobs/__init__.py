"""Jobs that join the rooms: choose, install, repair, diagnose. The command line, notebooks and pages call these."""
