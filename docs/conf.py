"""The configuration of Sphinx: `python -m sphinx -W docs build/docs` builds the documentation."""

from __future__ import annotations

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "streamfold"
author = "The streamfold authors"
copyright = author
version = release = version_of("streamfold")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_llms_txt",
    "public_names",
    "command_help",
]
exclude_patterns = ["examples/recordings"]
nitpicky = False

# --- Markdown -----------------------------------------------------------------------------------

myst_heading_anchors = 3

# --- the reference ------------------------------------------------------------------------------

default_role = "literal"  # docstrings mark code with single backticks
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autoclass_content = "both"
autodoc_class_signature = "mixed"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
add_module_names = False
napoleon_use_rtype = False
napoleon_custom_sections = [("Attributes", "params_style")]
toc_object_entries_show_parents = "hide"

# --- the pages ----------------------------------------------------------------------------------

html_theme = "furo"
html_title = f"streamfold {release}"
html_static_path = ["_static"]
html_css_files = ["streamfold.css"]
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#0b6e6e",
        "color-brand-content": "#0b6e6e",
        "color-brand-visited": "#0b6e6e",
    },
    "dark_css_variables": {
        "color-brand-primary": "#5fd0c5",
        "color-brand-content": "#5fd0c5",
        "color-brand-visited": "#5fd0c5",
    },
}
pygments_style = "friendly"
pygments_dark_style = "github-dark"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# --- llms.txt -----------------------------------------------------------------------------------

llms_txt_title = "streamfold"
llms_txt_summary = (
    "streamfold folds the event streams of the Anthropic Messages API into messages: a pure "
    "function over immutable values, with a client, recordings, a pytest plugin and a fuzzer "
    "for other accumulators around it."
)
