"""The program with a trace in front, while a model runs in a job without end: started by the tests beside it.

Of what a forward does to the keyboard this is the worst: many small modules, each of which Python has to record.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from inspector.tui.app import InspectorApp
from inspector.tui.jobs import Job
from inspector.tui.messages import Painted
from inspector.tui.runs import Run
from tests.traces import big_trace


class Busy(InspectorApp):
    def on_painted(self, event: Painted) -> None:
        event.prevent_default()
        self.show(Run(big_trace(2000)))
        self.job("running", run)


def run(job: Job[None]) -> None:
    """Trace one forward after the other until the program ends."""
    from inspector.tui import terminal

    with terminal.tidy():
        import torch

        import inspector
        from tests.fakes import tiny, tiny_inputs

        model, inputs = tiny("qwen2_5_vl"), tiny_inputs("qwen2_5_vl")
    while not job.cancelled.is_set():
        with torch.no_grad(), inspector.capture(model, stats=True, values="*"):
            model(**inputs)
        Path("running").touch()


if __name__ == "__main__":
    app = Busy()
    app.run()
    sys.exit(app.return_code)
