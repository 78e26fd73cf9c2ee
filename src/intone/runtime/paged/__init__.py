"""The talker's keys and values in pages, and attention over them.

A take owns numbered pages instead of a row of the longest length, so that memory follows what is
spoken. Who owns which page is decided above; here a table of page ids per row says where to read.
"""
