"""Adapters: the client, the command line, pytest, Hypothesis and the conformance kit.

Each module or package here has its own dependencies, so this one imports nothing.
"""
