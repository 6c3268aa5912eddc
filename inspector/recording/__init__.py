"""What records during a forward: the only place that hooks into torch.

(The package is not named `capture` because `inspector.capture` is the function that users call.)
"""

from inspector.recording.lock import exclusive
from inspector.recording.recorder import Recorder, Wanted
from inspector.recording.report import Report

__all__ = ["Recorder", "Report", "Wanted", "exclusive"]
