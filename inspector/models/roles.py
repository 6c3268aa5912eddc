"""What a module is in the architecture, told from its class, its name and its children.

No model is named here: the rules read the words that transformers' authors use for the same thing.
"""

from __future__ import annotations

import re

from torch import nn

ROLES = {
    "model": "the whole model, with its head",
    "multimodal_model": "vision tower, projector and language model together",
    "vision_tower": "turns pictures into features",
    "language_model": "token embedding, decoder layers and final norm",
    "encoder": "the stack of blocks inside a tower",
    "embeddings": "patches or tokens, with their positions",
    "patch_embed": "a picture's patches to vectors",
    "token_embedding": "token ids to vectors",
    "position_embedding": "a learned vector for each position",
    "embedding": "another lookup table",
    "rotary": "cosines and sines of rotary positions",
    "vision_block": "a layer of the vision tower",
    "encoder_layer": "a layer of another encoder",
    "decoder_layer": "a layer of the language model",
    "attention": "self-attention",
    "cross_attention": "attention from one sequence to another",
    "q_proj": "to queries",
    "k_proj": "to keys",
    "v_proj": "to values",
    "qkv_proj": "to queries, keys and values at once",
    "o_proj": "from the heads back to the hidden size",
    "mixer": "mixes a sequence without attention: state space, linear attention",
    "mlp": "the feed-forward part of a layer",
    "gate_proj": "the gate of an MLP",
    "up_proj": "to the MLP's width",
    "gate_up_proj": "gate and up at once",
    "down_proj": "from the MLP's width back to the hidden size",
    "activation": "a pointwise non-linearity",
    "moe": "a mixture of experts",
    "router": "chooses the experts of each token",
    "experts": "all experts of a layer",
    "expert": "one expert",
    "shared_expert": "an expert that sees every token",
    "merger": "neighbouring patches to one image token",
    "projector": "picture features to the language model's space",
    "splice": "picture features into the sequence, which grows; its output `input_ids` says what that is made of",
    "norm": "LayerNorm, RMSNorm and their kind",
    "linear": "another linear layer",
    "conv": "another convolution",
    "pool": "pooling",
    "dropout": "dropout; passes its input on when not training",
    "identity": "passes its input on",
    "lm_head": "hidden states to scores over the vocabulary",
}
"""Every role, with what it means. A family may use further words."""

VISION = re.compile(r"visual|vision\w*|image_(encoder|tower|model)|vit|vpm")
LANGUAGE = re.compile(r"language_model|text_model|llm")
STACK = re.compile(r"layers?|blocks?|h|resblocks")
ATTENTION = re.compile(r"(self_|cross_)?att(n|ention)")
MLP = re.compile(r"mlp|ffn|feed_forward|ff")

EMBEDDINGS = (
    (r"wpe|pos", "position_embedding"),
    (r"^(embed_tokens|wte|word_embeddings?|tok_embeddings|embed_in|token_embeddings?)$", "token_embedding"),
    (r"", "embedding"),
)
LINEAR = (
    (r"^(lm_head|embed_out)$", "lm_head"),
    (r"^(qkv|qkv_proj|c_attn|query_key_value|[Ww]qkv)$", "qkv_proj"),
    (r"^(q_proj|query|wq|to_q|q_lin)$", "q_proj"),
    (r"^(k_proj|key|wk|to_k|k_lin)$", "k_proj"),
    (r"^(v_proj|value|wv|to_v|v_lin)$", "v_proj"),
    (r"^(o_proj|out_proj|wo|to_out|out_lin|projection_layer)$", "o_proj"),
    (r"^gate_up_proj$", "gate_up_proj"),
    (r"^(gate_proj|w1)$", "gate_proj"),
    (r"^(up_proj|w3|(linear_)?fc1|c_fc|dense_h_to_4h|fc_in|lin1)$", "up_proj"),
    (r"^(down_proj|w2|(linear_)?fc2|dense_4h_to_h|fc_out|lin2)$", "down_proj"),
    (r"^(router|gate|shared_expert_gate)$", "router"),
)
"""Linear layers by their own name; `proj` and the like are told by what they belong to."""

CLASSES = (
    (r"Rotary|RoPE", "rotary"),
    (r"Router$", "router"),
    (r"Experts$", "experts"),
    (r"Norm", "norm"),
    (r"PatchEmbed", "patch_embed"),
    (r"Merger", "merger"),
    (r"Projector|Connector|Resampler|QFormer|Perceiver", "projector"),
    (r"Pool", "pool"),
    (r"Cross\w*Attention", "cross_attention"),
    (r"Mixer$|Mamba|DeltaNet|LinearAttention|LightningAttention|RecurrentBlock$|Rglru$", "mixer"),
    (r"Attention", "attention"),
    (r"Activation$|G[Ee][Ll][Uu]|SiLU|ReLU|GLU$|^Tanh$|^Sigmoid$|^Softmax$", "activation"),
    (r"Dropout|DropPath", "dropout"),
    (r"^Identity$", "identity"),
)
NAMES = (
    (r"rotary|(^|_)rope($|_)", "rotary"),
    (r"patch_embed", "patch_embed"),
    (r"merger", "merger"),
    (r"projector|connector|aligner|resampler|perceiver|qformer|modality_projection", "projector"),
    (r"^shared_experts?$", "shared_expert"),
    (r"^(self_)?att(n|ention)$", "attention"),
    (r"^(mlp|ffn|feed_forward|ff)$", "mlp"),
    (r"^act(ivation)?(_fn)?$", "activation"),
    (r"^transformer$", "encoder"),
)
WHOLES = (
    (r"MLP|Mlp$|FeedForward", "mlp"),
    (r"Embeddings?$", "embeddings"),
    (r"Encoder$", "encoder"),
)


def role_of(path: str, module: nn.Module) -> str | None:
    """One of `ROLES` for the module at `path` of a model; None for a bare container and for what no rule knows."""
    *above, name = path.split(".")
    if not path:
        return "model"
    if isinstance(module, (nn.ModuleList, nn.ModuleDict)):
        return None
    if isinstance(module, nn.Embedding):
        return _first(EMBEDDINGS, name)
    if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Conv3d)):
        return "patch_embed" if "patch_embed" in name else "conv"
    if _is_linear(module):
        return _first(LINEAR, name) or _linear_of(name, above)
    kind = type(module).__name__
    role = _layer(name, above) or _stack(name, above, module) or _first(CLASSES, kind)
    return role or _first(NAMES, name) or _first(WHOLES, kind)


def _layer(name: str, above: list[str]) -> str | None:
    """A numbered module in a list of layers or experts."""
    if not name.isdigit() or not above:
        return None
    if above[-1] == "experts":
        return "expert"
    if not STACK.fullmatch(above[-1]):
        return None
    if _within(VISION, above):
        return "vision_block"
    return "encoder_layer" if any("audio" in part or part == "encoder" for part in above) else "decoder_layer"


def _stack(name: str, above: list[str], module: nn.Module) -> str | None:
    """A module that is known by what it is made of: towers, language models, mixtures of experts."""
    children = dict(module.named_children())
    if "experts" in children:
        return "moe"
    if VISION.fullmatch(name) and children:
        return "vision_tower"
    if any(VISION.fullmatch(child) for child in children):
        return "multimodal_model"
    layers = any(STACK.fullmatch(child) and isinstance(children[child], nn.ModuleList) for child in children)
    if layers and (_within(VISION, above) or type(module).__name__.endswith("Encoder")):
        return "encoder"
    if layers or LANGUAGE.fullmatch(name) or (children and type(module).__name__.endswith("Model")):
        return "language_model"
    return None


def _linear_of(name: str, above: list[str]) -> str:
    """A linear layer whose name says nothing: in an attention or MLP it is, by custom, the projection back."""
    owner = above[-1] if above else ""
    if name in ("c_proj", "proj", "dense", "projection", "proj_out"):
        if ATTENTION.fullmatch(owner):
            return "o_proj"
        if MLP.fullmatch(owner):
            return "down_proj"
    return "linear"


def _is_linear(module: nn.Module) -> bool:
    """Also the quantised ones, and GPT-2's transposed one; none of them has children."""
    kind = type(module).__name__
    return isinstance(module, nn.Linear) or (("Linear" in kind or kind == "Conv1D") and not any(module.children()))


def _within(pattern: re.Pattern[str], parts: list[str]) -> bool:
    return any(pattern.fullmatch(part) for part in parts)


def _first(rules: tuple[tuple[str, str], ...], word: str) -> str | None:
    return next((role for pattern, role in rules if re.search(pattern, word)), None)
