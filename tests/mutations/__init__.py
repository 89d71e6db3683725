"""Mutations: small faults put into `engine/core` one by one, to see whether the tests notice them.

    python -m tests.mutations --count 200 --seed 1 --jobs 2

`operators` makes the mutations, `trial` runs the suites against one of them, `noticing` is the pytest plugin that says
which test failed, and `equivalent.toml` lists the mutations that change nothing that anybody could notice.
"""
