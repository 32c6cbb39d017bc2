"""streamfold beside what else reads Anthropic streams: `python -m benchmarks` from a checkout.

`streams` makes what is read, `peers` is how each library reads it, `workloads` lists what is
compared with what and which ratio must be reached, `measure` compares, `report` writes it down.
Needs the extra `bench`; is not part of what is installed.
"""
