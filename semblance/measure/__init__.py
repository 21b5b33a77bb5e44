"""Numbers with a name, a unit and a direction."""
