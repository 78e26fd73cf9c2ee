"""The Script tab: a script as rows that are drawn, heard and drawn again."""
