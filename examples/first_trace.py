"""The library in five lines: the published Qwen2.5-VL-7B architecture on a photograph, without its weights."""

import inspector

session = inspector.load("preset:Qwen2.5-VL-7B")
trace = session.trace("What is in the cup?", images="examples/pictures/coffee.png")
for call in trace.find("model.language_model.layers.0*"):
    print(call.path, "->", *map(str, call.outputs.values()))
