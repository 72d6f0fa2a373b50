"""Transformers to rewrite answers with."""

from __future__ import annotations


class LastWord:
    """Upper-cases, and holds the last word back, because more of it may come."""

    def __init__(self):
        self.held = ""

    def feed(self, text):
        out, space, self.held = (self.held + text).rpartition(" ")
        return (out + space).upper()

    def flush(self):
        return self.held.upper()
