"""streamfold beside other readers of Anthropic streams: `python -m benchmarks` in a checkout.

`streams` makes the input, `peers` reads it with each library, `workloads` lists the comparisons and
their targets, `measure` compares, `report` writes the results. Needs the extra `bench`, and is not
installed with the package.
"""
