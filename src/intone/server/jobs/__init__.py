"""Long texts, scripts and books: a queue on disk that goes on where it was stopped.

A job is a folder with its source, the journal of its finished pieces and its files, and a row in an
SQLite database. Whatever ends the process, the next one goes on at the piece.
"""
