"""The verbs. Each body is a recipe card of named steps."""
