"""Numbers with a name, a unit and a direction: plain functions on arrays. The verb that streams clips is in create/."""
