"""Many recordings: check them, measure them, and compare an accumulator on them, on any executor.

    check_all(paths, executor=…)     a `Report` for each recording
    stats_all(paths, executor=…)     a `Measurement` for each recording

Both are generators: results come one by one, in the order of the files, with every executor. The
memory they take does not grow with the number of files. `executor` is any
`concurrent.futures.Executor`, for instance a `ProcessPoolExecutor` or that of a Dask client;
without one the calling thread does the work.

A path is a recording (`*.jsonl`), a raw body (any other name), a directory, a `.zip`, or a URL that
fsspec opens (`s3://…`, `gs://…`; needs the extra `fsspec`). A directory stands for the recordings
in it and below it.

A file that cannot be read, or a lost worker, does not affect other results: see `Report.outcome`.
"""

from .comparison import Difference, compare_all, function_named, save_smallest
from .files import expand_paths, is_listed
from .measurements import Measurement, measure, stats_all
from .reports import OUTCOMES, Outcome, Report, check, check_all
from .summaries import STALL, Distribution, Group, Groups, add_to_groups, sorted_groups, summarize

__all__ = [
    "OUTCOMES",
    "STALL",
    "Difference",
    "Distribution",
    "Group",
    "Groups",
    "Measurement",
    "Outcome",
    "Report",
    "add_to_groups",
    "check",
    "check_all",
    "compare_all",
    "expand_paths",
    "function_named",
    "is_listed",
    "measure",
    "save_smallest",
    "sorted_groups",
    "stats_all",
    "summarize",
]
