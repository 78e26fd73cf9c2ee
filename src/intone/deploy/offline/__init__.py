"""Large sets, offline: every row of a file spoken once, on this machine or on a cluster.

In the order of use: `fields` and `rows` read what is to be said, `planned` knows each row again,
`journal` and `output` keep what is finished, `speaking` makes one row, `run` hands out what is
missing and writes the manifest. Whoever works is behind one protocol: threads on this machine
(`here`), or workers of a cluster (`ray_rows`, `ray_pieces` for books). Only `on_ray` imports Ray.
"""
