"""The doors, no logic: command line."""
