"""A server under mixed use for a long time: `python -m benchmarks.soak --minutes 30 --json OUT`.

Requests of every kind arrive at random against `intone serve` with the built-in voice, some leave
in the middle, some are wrong on purpose. Every request has an id of its own; afterwards the
server's log must hold each of them exactly once, the same text and seed must always have sounded
the same, memory must have stayed flat, and nothing may run or wait.
"""
