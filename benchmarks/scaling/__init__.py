"""A capacity plan: measure one replica, then simulate many with its times.

`measure` writes service times of a model on this machine; `service` reads them, or those of other
benchmarks; `simulate` plays fleets of such replicas (`fleet`, `replica`, `routing`, `takes`,
`outcome`) and looks for the smallest that keeps its promises (`plan`); `validate` holds the
simulation beside a measured load; `picture` draws. Only `measure` runs a model.
"""
