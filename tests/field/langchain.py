"""langchain-anthropic: `pip install langchain-anthropic`.

Its message is one of langchain's, in whose `content` the blocks have the API's shape and an `index`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import httpx
from langchain_anthropic import ChatAnthropic
from streamfold.reducer import encode_sse
