"""Where M-RoPE puts a picture: the position (t, h, w) of every image token, beside the tokens around it.

python examples/image_positions.py [PICTURE] [QUESTION]
"""

import sys

import inspector

picture = sys.argv[1] if len(sys.argv) > 1 else "examples/pictures/coffee.png"
question = sys.argv[2] if len(sys.argv) > 2 else "What is in the cup?"

(tokens,) = inspector.load("preset:Qwen2.5-VL-3B").trace(question, images=picture).tokens
image = [token for token in tokens if token.kind == "image"]
first, last = image[0].position, image[-1].position

print(f"{len(tokens)} tokens, {len(image)} of them image tokens")
print(f"the picture is {last[1] - first[1] + 1} rows of {last[2] - first[2] + 1} tokens, all at the time {first[0]}")
for token in (tokens[image[0].index - 1], image[0], image[1], image[-1], *tokens[image[-1].index + 1 :][:3]):
    print(f"{token.index:5}  {token.text!r:18} {token.kind:8} {token.position}")
print(f"the text goes on at {max(last) + 1}: the largest position in the picture, and one")
