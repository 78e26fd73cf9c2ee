"""`intone bench --suite gpu`: everything that is measured of a GPU, in parts, into one JSON.

`suite` runs the parts within their time, `results` keeps what they found, `table` shows it beside
`floors` and `goals`. On a machine without CUDA every part runs with a tiny model on the CPU: to
show that it would, not how fast. Its figures are never called a GPU's.
"""
