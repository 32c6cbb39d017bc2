"""Everything that an error shows; it must contain no secret."""

from __future__ import annotations

import pickle
import traceback


def visible_of(error: BaseException, *, with_locals: bool = True) -> str:
    """Everything visible of an error and of its causes."""
    report = traceback.TracebackException.from_exception(error, capture_locals=with_locals)
    texts = ["".join(report.format())]
    seen: BaseException | None = error
    while seen is not None:
        texts += [
            str(seen),
            repr(seen),
            repr(seen.args),
            repr(vars(seen)),
            repr(pickle.dumps(seen)),
        ]
        for carrier in (getattr(seen, "request", None), getattr(seen, "response", None)):
            if carrier is not None:
                texts += [repr(carrier), str(carrier.headers), str(dict(carrier.headers))]
        seen = seen.__cause__ or seen.__context__
    return "\n".join(texts)
