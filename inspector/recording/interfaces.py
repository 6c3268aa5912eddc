"""Listens to transformers' two registries, of attention kernels and of mask functions, while somebody wants to know.

Both are looked up by name in every forward, and the lookup is where the listening goes in: the function that is found
runs as it would have, with the very arguments it was given, and before that the listener of its module (or of its
configuration, for masks) is told. The registries' own methods are put back when the last listener leaves. Models that
nobody listens to, in other threads for instance, only pay for one lookup in a dict.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

Kernel = Callable[..., Any]
KernelListener = Callable[[str, Kernel, Any, tuple[Any, ...], Mapping[str, Any]], None]
"""Told the kernel's name and function, the module, and the arguments behind it, before the kernel runs."""

MaskListener = Callable[[Kernel, Mapping[str, Any], Any], None]
"""Told the mask function, its arguments and what it returned."""

_kernels: dict[int, KernelListener] = {}
_masks: dict[int, MaskListener] = {}
_listening = 0
_lock = threading.Lock()
_originals: list[tuple[type[Any], str, Any]] = []


@contextmanager
def listen(kernels: Mapping[int, KernelListener], masks: Mapping[int, MaskListener]) -> Iterator[None]:
    """Tell listeners, by the `id` of an attention module and of a configuration, while the context is open.

    Without transformers nothing happens: what has not been imported calls no kernel.
    """
    global _listening  # noqa: PLW0603
    with _lock:
        if not _listening:
            _attach()
        _listening += 1
        _kernels.update(kernels)
        _masks.update(masks)
    try:
        yield
    finally:
        with _lock:
            for key in kernels:
                _kernels.pop(key, None)
            for key in masks:
                _masks.pop(key, None)
            _listening -= 1
            if not _listening:
                _detach()


def _attach() -> None:
    modeling = sys.modules.get("transformers.modeling_utils")
    masking = sys.modules.get("transformers.masking_utils")
    interface = getattr(modeling, "AttentionInterface", None)
    if interface is not None:
        _replace(interface, "get_interface", _get_interface)
        _replace(interface, "__getitem__", _get_kernel)
    if masking is not None:
        _replace(masking.AttentionMaskInterface, "__getitem__", _get_mask)


def _replace(kind: type[Any], name: str, wrap: Callable[[Any], Any]) -> None:
    original = getattr(kind, name, None)
    if original is not None:
        _originals.append((kind, name, vars(kind).get(name)))
        setattr(kind, name, wrap(original))


def _detach() -> None:
    while _originals:
        kind, name, own = _originals.pop()
        if own is None:  # it was inherited
            delattr(kind, name)
        else:
            setattr(kind, name, own)


def _get_interface(original: Any) -> Any:
    @functools.wraps(original)
    def get_interface(self: Any, attn_implementation: Any, default: Any, *args: Any, **kwargs: Any) -> Any:
        return _heard(attn_implementation, original(self, attn_implementation, default, *args, **kwargs))

    return get_interface


def _get_kernel(original: Any) -> Any:
    @functools.wraps(original)
    def get_kernel(self: Any, key: Any) -> Any:
        return _heard(key, original(self, key))

    return get_kernel


def _get_mask(original: Any) -> Any:
    @functools.wraps(original)
    def get_mask(self: Any, key: Any) -> Any:
        return _seen(original(self, key))

    return get_mask


@functools.lru_cache(maxsize=64)
def _heard(name: str, kernel: Kernel) -> Kernel:
    """The kernel, with its listener told before it runs; not again of a kernel that this one calls itself."""
    if hasattr(kernel, "__inspected__"):
        return kernel

    @functools.wraps(kernel)
    def heard(module: Any, *args: Any, **kwargs: Any) -> Any:
        listener = None if torch.compiler.is_compiling() else _kernels.pop(id(module), None)
        if listener is None:
            return kernel(module, *args, **kwargs)
        try:
            listener(name, kernel, module, args, kwargs)
            return kernel(module, *args, **kwargs)
        finally:
            _kernels[id(module)] = listener

    heard.__inspected__ = True  # type: ignore[attr-defined]
    return heard


@functools.lru_cache(maxsize=64)
def _seen(function: Kernel) -> Kernel:
    """The mask function, with its listener told of what it returned."""

    @functools.wraps(function)
    def seen(*args: Any, **kwargs: Any) -> Any:
        mask = function(*args, **kwargs)
        if not torch.compiler.is_compiling():
            listener = _masks.get(id(kwargs.get("config")))
            if listener is not None:
                listener(function, kwargs, mask)
        return mask

    return seen
