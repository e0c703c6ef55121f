"""The codec cast_value: numbers of one type stored as numbers of another.

Follows https://github.com/zarr-developers/zarr-extensions/tree/main/codecs/cast_value. This file is
configuration, validation and fill values; the conversion is in casting.py.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np
from zarr.core.array_spec import ArraySpec
from zarr.core.common import JSON, parse_named_configuration
from zarr.core.dtype import ZDType, parse_dtype

from zarr_stridecast.casting import cast
from zarr_stridecast.codec import ArrayCodec, check_keys, fill_scalar, to_json
from zarr_stridecast.number_type import INTEGERS, SUPPORTED, number_type

Rounding = Literal[
    "nearest-even", "towards-zero", "towards-positive", "towards-negative", "nearest-away"
]
OutOfRange = Literal["clamp", "wrap"]
Direction = Literal["encode", "decode"]

ROUNDINGS = Rounding.__args__
OUT_OF_RANGE = OutOfRange.__args__

_Pairs = tuple[tuple[JSON, JSON], ...]


@dataclass(frozen=True)
class CastValue(ArrayCodec):
    """Stores an array as another data type: ``CastValue(data_type="uint8", rounding=...)``.

    data_type: the stored type, a Zarr name, a NumPy dtype or a ZDType.
    rounding: "nearest-even" (default), "towards-zero", "towards-positive", "towards-negative" or
        "nearest-away".
    out_of_range: "clamp" to the limits (to the infinities where the type has them), "wrap" modulo
        2^bits (integers only), or None: such a value is an error.
    scalar_map: {"encode": [[from, to], ...], "decode": [[from, to], ...]}, looked up before
        anything else. Scalars as in Zarr metadata ("NaN", "Infinity", "0x7fc00001") or as numbers.

    Writing or reading a chunk raises ValueError for a value that these options give no meaning.
    """

    data_type: ZDType
    rounding: Rounding
    out_of_range: OutOfRange | None
    scalar_map: tuple[tuple[Direction, _Pairs], ...]

    def __init__(
        self,
        *,
        data_type: object,
        rounding: Rounding = "nearest-even",
        out_of_range: OutOfRange | None = None,
        scalar_map: Mapping[str, object] | None = None,
    ) -> None:
        if rounding not in ROUNDINGS:
            raise ValueError(f"rounding={rounding!r}: choose one of {', '.join(ROUNDINGS)}")
        if out_of_range is not None and out_of_range not in OUT_OF_RANGE:
            raise ValueError(
                f"out_of_range={out_of_range!r}: choose {' or '.join(OUT_OF_RANGE)}, "
                f"or leave it out to have such values raise"
            )
        zdtype = parse_dtype(data_type, zarr_format=3)
        _check_type(zdtype, "store")
        if out_of_range == "wrap" and _name(zdtype) not in INTEGERS:
            raise ValueError(
                f"out_of_range='wrap' is for integers, and {_name(zdtype)} is none: use 'clamp'"
            )
        object.__setattr__(self, "data_type", zdtype)
        object.__setattr__(self, "rounding", rounding)
        object.__setattr__(self, "out_of_range", out_of_range)
        object.__setattr__(self, "scalar_map", _parse_map(scalar_map))

    @classmethod
    def from_dict(cls, data: dict[str, JSON]) -> Self:
        _, configuration = parse_named_configuration(data, "cast_value")
        check_keys(
            "cast_value", configuration, ("data_type", "rounding", "out_of_range", "scalar_map")
        )
        if "data_type" not in configuration:
            raise ValueError("cast_value needs 'data_type', the type to store, such as 'uint8'")
        return cls(**configuration)

    def to_dict(self) -> dict[str, JSON]:
        configuration: dict[str, JSON] = {"data_type": self.data_type.to_json(zarr_format=3)}
        if self.rounding != "nearest-even":
            configuration["rounding"] = self.rounding
        if self.out_of_range is not None:
            configuration["out_of_range"] = self.out_of_range
        if self.scalar_map:
            configuration["scalar_map"] = {
                direction: [list(pair) for pair in pairs] for direction, pairs in self.scalar_map
            }
        return {"name": "cast_value", "configuration": configuration}

    def validate(self, *, shape: tuple[int, ...], dtype: ZDType, chunk_grid: object) -> None:
        _check_type(dtype, "read")
        for direction, _ in self.scalar_map:
            self._pairs(direction, dtype)

    def resolve_metadata(self, chunk_spec: ArraySpec) -> ArraySpec:
        """The stored type, and the fill value as the elements would be stored.

        The specification calls a fill value that does not come back an error: a chunk never written
        would read differently from one written full of it.
        """
        fill = fill_scalar(chunk_spec)
        try:
            stored = self.encode_array(fill, chunk_spec)
            back = self.decode_array(stored, chunk_spec)
        except ValueError as error:
            raise ValueError(f"the fill value {fill[0]!s} cannot be stored: {error}") from error
        if back != fill and not (back != back and fill != fill):  # NaN came back as NaN
            raise ValueError(
                f"the fill value {fill[0]!s} is stored as {stored[0]!s} and would come back as "
                f"{back[0]!s}: choose one that {_name(self.data_type)} holds, or map it both ways "
                f"in scalar_map"
            )
        return replace(chunk_spec, dtype=self.data_type, fill_value=stored[0])

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        items = input_byte_length // chunk_spec.dtype.to_native_dtype().itemsize
        return items * self.data_type.to_native_dtype().itemsize

    def encode_array(self, array: np.ndarray, spec: ArraySpec) -> np.ndarray:
        return self._cast(array, self.data_type, "encode", spec.dtype)

    def decode_array(self, array: np.ndarray, spec: ArraySpec) -> np.ndarray:
        return self._cast(array, spec.dtype, "decode", spec.dtype)

    def _cast(
        self, array: np.ndarray, target: ZDType, direction: Direction, array_type: ZDType
    ) -> np.ndarray:
        try:
            return cast(
                array,
                target.to_native_dtype(),
                rounding=self.rounding,
                out_of_range=self.out_of_range,
                pairs=self._pairs(direction, array_type),
            )
        except OverflowError as error:
            raise ValueError(
                f"cast_value, {direction} {array.dtype.name} to {_name(target)}: {error}. "
                f"{self._remedy(direction, target)}"
            ) from error

    def _remedy(self, direction: Direction, target: ZDType) -> str:
        kind = number_type(target.to_native_dtype())
        settings = ["clamp"] if kind.is_float else ["clamp", "wrap"]
        text = f"Map the value in scalar_map[{direction!r}]"
        if self.out_of_range not in settings:
            chosen = " or ".join(map(repr, settings))
            text += f", or, if it is finite, set out_of_range to {chosen}"
        return text

    def _pairs(
        self, direction: Direction, array_type: ZDType
    ) -> tuple[tuple[np.generic, np.generic], ...]:
        """The scalar map of one direction, as scalars of both types."""
        types = (array_type, self.data_type)
        keys, values = types if direction == "encode" else types[::-1]
        where = f"scalar_map[{direction!r}]"
        return tuple(
            (_scalar(key, keys, f"{where} key"), _scalar(value, values, f"{where} value"))
            for key, value in dict(self.scalar_map).get(direction, ())
        )


def _name(zdtype: ZDType) -> str:
    return str(zdtype.to_json(zarr_format=3))


def _check_type(zdtype: ZDType, verb: str) -> None:
    if _name(zdtype) not in SUPPORTED:
        raise ValueError(
            f"cast_value cannot {verb} {_name(zdtype)}: it is defined for integers and floats only"
        )


def _scalar(value: JSON, zdtype: ZDType, what: str) -> np.generic:
    try:
        return zdtype.from_json_scalar(value, zarr_format=3)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{what} {value!r} is no {_name(zdtype)}: {error}") from error


def _parse_map(scalar_map: Mapping[str, object] | None) -> tuple[tuple[Direction, _Pairs], ...]:
    if scalar_map is None:
        return ()
    if not isinstance(scalar_map, Mapping):
        raise TypeError(f"scalar_map must be a dict, not {type(scalar_map).__name__}")
    check_keys("scalar_map", dict(scalar_map), ("encode", "decode"))
    return tuple(
        (direction, _parse_pairs(scalar_map[direction], direction))
        for direction in ("encode", "decode")
        if scalar_map.get(direction) is not None
    )


def _parse_pairs(entries: object, direction: str) -> _Pairs:
    """[[from, to], ...], or the dict {from: to}, which zarr-python's codec takes too."""
    if isinstance(entries, Mapping):
        entries = entries.items()
    if not isinstance(entries, Iterable) or isinstance(entries, str):
        raise TypeError(f"scalar_map[{direction!r}] must be a list of [from, to] pairs")
    pairs = []
    for entry in entries:
        if isinstance(entry, str) or not isinstance(entry, Iterable) or len(tuple(entry)) != 2:
            raise ValueError(f"scalar_map[{direction!r}]: {entry!r} is no [from, to] pair")
        key, value = entry
        pairs.append((to_json(key), to_json(value)))
    return tuple(pairs)
