"""Hold any accumulator, or any decoder of server-sent events, against this library's.

check_accumulator   any function from the events of a stream to its message
check_decoder       any function from chunks of bytes to server-sent events
check_stream        an accumulator, with one stream
check_chunks        a decoder, with one body in chunks
"""

from .checks import check_accumulator, check_chunks, check_decoder, check_stream
from .findings import (
    AccumulatorMismatch,
    ConformanceReport,
    DecoderMismatch,
    Finding,
    Mismatch,
)

__all__ = [
    "AccumulatorMismatch",
    "ConformanceReport",
    "DecoderMismatch",
    "Finding",
    "Mismatch",
    "check_accumulator",
    "check_chunks",
    "check_decoder",
    "check_stream",
]
