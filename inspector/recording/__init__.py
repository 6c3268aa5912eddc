"""What records during a forward: the only place that hooks into torch.

(The package is not named `capture` because `inspector.capture` is the function that users call.)
"""

from inspector.recording.lock import exclusive
from inspector.recording.probes import Pen, Probe
from inspector.recording.recorder import Recorder
from inspector.recording.report import Report
from inspector.recording.wanted import Wanted

__all__ = ["Pen", "Probe", "Recorder", "Report", "Wanted", "exclusive"]
