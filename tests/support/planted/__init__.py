"""Accumulators and decoders with one bug each, which the conformance checks must find."""
