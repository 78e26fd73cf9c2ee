"""The Design tab: persons drawn from a description, one of them kept."""
