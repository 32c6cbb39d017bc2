"""Conformance checks: hold any implementation of the streaming protocol against this library's.

check_accumulator   any function from the events of a stream to its message
check_decoder       any function from chunks of bytes to server-sent events
check_stream        an accumulator, with one stream
check_chunks        a decoder, with one body in chunks
measure             the cost of an accumulator or decoder as streams become longer

The first two draw streams with Hypothesis and shrink the first that goes wrong. They raise an
`AssertionError` whose text contains a test to paste: a call of `check_stream` or `check_chunks`.
"""

from .accumulators import check_accumulator, check_stream
from .cost import BODIES, STREAMS, Growth, long_body, long_stream, measure
from .decoders import check_chunks, check_decoder
from .findings import (
    AccumulatorMismatch,
    ConformanceReport,
    DecoderMismatch,
    Finding,
    Mismatch,
)

__all__ = [
    "BODIES",
    "STREAMS",
    "AccumulatorMismatch",
    "ConformanceReport",
    "DecoderMismatch",
    "Finding",
    "Growth",
    "Mismatch",
    "check_accumulator",
    "check_chunks",
    "check_decoder",
    "check_stream",
    "long_body",
    "long_stream",
    "measure",
]
