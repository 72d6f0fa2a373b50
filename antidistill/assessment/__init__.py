"""What is known about accounts: observations in, assessments out. Runs beside the request loop, never in it.

exchange → observation (hashes, no text) → reading (what other accounts sent) → profile → evidence → assessment
"""

from __future__ import annotations

from antidistill.assessment.loop import Assessor
from antidistill.assessment.remote import RemoteAssessor

__all__ = ["Assessor", "RemoteAssessor"]
