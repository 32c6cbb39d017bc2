"""The inspector: one HTML page that shows a recording, to step through event by event.

    from streamfold.adapters.inspector import render

    Path("page.html").write_text(render(Recording.load("recording.jsonl")), "utf-8")

Python folds; the page stores what each event changed, and only shows it. Modules: `wire` finds the
bytes of each event, `changes` what it changed, `trace` puts both and the faults together, `parting`
compares two recordings, `page` writes the HTML from the files in the folder `assets`.
"""

from .render import notebook, render

__all__ = ["notebook", "render"]
