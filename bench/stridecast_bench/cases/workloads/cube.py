"""A packed netCDF cube to float32 with NaN, and CF time axes to datetime64[ns].

The cube is a real one, monthly sea surface temperatures of the Met Office's OSTIA (54 months, 18 x
432 points, land missing), packed as data centres pack: its range over int16, big-endian as in
netCDF's classic format. It is repeated in time to 540 months. The axes are the 1,776 months of a
pressure series as they are stored, and the hours of 1940 to 2025 counted from 1900, which is what
ERA5 counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial

import numpy as np

import stridecast
from stridecast_bench.cases.workloads.packed import Packing, our_way, packed_peers
from stridecast_bench.cases.workloads.ways import (
    Way,
    carried,
    destination,
    fills,
    gives,
    scratch_folder,
    tool,
    workload,
)
from stridecast_bench.measure import Case, Planned, Work, aligned, timed
from stridecast_bench.peers.libraries import find_pandas, find_xarray

DATA = ("sample_data",)
CUBE, SERIES = "ostia_monthly.nc", "SOI_Darwin.nc"
MISSING = -32767
REPEATS = 10
HOURS = "hours since 1900-01-01 00:00:00"


def _stored(file: str, name: str) -> tuple[np.ndarray, dict[str, object]]:
    """A variable as it is stored, and its attributes."""
    with tool("netCDF4").Dataset(carried("iris_sample_data", *DATA, file)) as data:
        variable = data[name]
        variable.set_auto_maskandscale(False)
        return variable[:], {key: variable.getncattr(key) for key in variable.ncattrs()}


@cache
def _cube() -> tuple[np.ndarray, Packing]:
    field, attributes = _stored(CUBE, "surface_temperature")
    land = field == attributes["_FillValue"]
    low, high = field[~land].min(), field[~land].max()
    scale, offset = np.float32((high - low) / 65532), np.float32((high + low) / 2)
    packed = np.rint((field.astype("f8") - offset) / scale).clip(-32766, 32767)
    packed[land] = MISSING
    months, *grid = packed.shape
    cube = aligned(REPEATS * packed.size, np.dtype(">i2")).reshape(REPEATS * months, *grid)
    cube[...] = np.tile(packed, (REPEATS, 1, 1))
    return cube, Packing(scale, offset, MISSING)


def _attributes(packing: Packing) -> dict[str, object]:
    return {
        "scale_factor": packing.scale,
        "add_offset": packing.offset,
        "_FillValue": np.int16(packing.missing),
    }


def _xarray(cube: np.ndarray, packing: Packing) -> Way | None:
    xarray = find_xarray()
    if xarray is None:
        return None
    variable = xarray.Variable(("time", "lat", "lon"), cube, _attributes(packing))
    decode = xarray.conventions.decode_cf_variable
    return gives(lambda: decode("sst", variable).to_numpy())


def _memory(name: str) -> Case:
    cube, packing = _cube()
    out = destination(cube.shape, "f4")
    peers = {**packed_peers(cube, packing, out), "xarray": partial(_xarray, cube, packing)}
    return workload(name, our_way(cube, packing, out), peers, Work.between(cube, out))


# From the file, which the page cache holds, to numbers and times in fresh memory


def _written() -> str:
    cube, packing = _cube()
    times, _ = _stored(CUBE, "time")
    path = scratch_folder() / "cube.nc"
    with tool("scipy.io").netcdf_file(path, "w") as file:
        for dimension, count in zip(("time", "lat", "lon"), cube.shape, strict=True):
            file.createDimension(dimension, count)
        axis = file.createVariable("time", ">f8", ("time",))
        axis.units = "hours since 1970-01-01 00:00:00"
        axis[:] = np.tile(times, REPEATS)
        field = file.createVariable("sst", ">i2", ("time", "lat", "lon"))
        for key, value in _attributes(packing).items():
            setattr(field, key, value)
        field[:] = cube
    return str(path)


def _read_by_us(path: str) -> list[np.ndarray]:
    """SciPy finds the variables and maps the bytes."""
    with tool("scipy.io").netcdf_file(path, mmap=True) as file:
        field, axis = file.variables["sst"], file.variables["time"]
        degrees = stridecast.decode(
            field.data,
            "f",
            scale=field.scale_factor,
            offset=field.add_offset,
            missing=field._FillValue,
        ).numpy()
        times = stridecast.decode_time(axis.data, axis.units.decode()).numpy()
        del field, axis  # else the file could not be unmapped
    return [degrees, times]


def _read_by_xarray(path: str) -> list[np.ndarray]:
    with find_xarray().open_dataset(path, engine="scipy") as data:
        return [data["sst"].to_numpy(), data["time"].to_numpy()]


def _read_by_netcdf4(path: str) -> list[np.ndarray]:
    """The library unpacks into masked arrays; the times go the shorter way."""
    with tool("netCDF4").Dataset(path) as data:
        axis = data["time"]
        hours = axis[:].filled().astype("m8[h]").astype("m8[ns]")
        return [data["sst"][:].filled(np.nan), np.datetime64("1970-01-01", "ns") + hours]


def _whole(function: object, path: str) -> Way:
    return Way(timed("function(path)", function=function, path=path), lambda: function(path))


def _file(name: str) -> Case:
    path = _written()
    cube, _ = _cube()
    peers = {
        "netCDF4": partial(_whole, _read_by_netcdf4, path),
        "xarray": lambda: find_xarray() and _whole(_read_by_xarray, path),
    }
    work = Work(cube.size, cube.nbytes, 2 * cube.nbytes, "int16", "float32")
    return workload(name, _whole(_read_by_us, path), peers, work)


# Time axes


def _series() -> tuple[np.ndarray, str]:
    counts, attributes = _stored(SERIES, "time")
    return counts, attributes["units"]


def _hours() -> tuple[np.ndarray, str]:
    years = np.array(["1940", "2026"], "M8[h]") - np.datetime64("1900", "h")
    first, end = years.astype(int)
    hours = aligned(end - first, np.dtype("i4"))
    hours[:] = np.arange(first, end)
    return hours, HOURS


AXES = {"months-1776": _series, "hours-int32": _hours}
NANOSECONDS = {"days": 86_400 * 10**9, "hours": 3_600 * 10**9}


def _add_to_epoch(counts: np.ndarray, unit: int, epoch: np.int64, whole: np.ndarray) -> None:
    """NumPy in place: a multiplication and an addition."""
    np.multiply(counts, unit, out=whole)
    np.add(whole, epoch, out=whole)


def _axis(name: str, kind: str) -> Case:
    counts, units = AXES[kind]()
    unit, _, epoch = units.partition(" since ")
    start = np.datetime64(epoch.split()[0], "ns")
    out = destination(counts.shape, "M8[ns]")
    names = {"decode": stridecast.decode_time, "a": counts, "units": units, "o": out}
    ours = fills(timed("decode(a, units, out=o)", **names), out)
    names = {"a": counts, "u": np.int64(NANOSECONDS[unit]), "e": start.astype("i8")}
    numpy = timed("steps(a, u, e, o)", steps=_add_to_epoch, o=out.view("i8"), **names)
    peers = {
        "numpy": lambda: fills(numpy, out),
        "xarray": lambda: _axis_by_xarray(counts, units),
        "pandas": lambda: _axis_by_pandas(counts, unit, start),
    }
    if counts.size < 10_000:  # it makes an object of each time
        peers["cftime"] = lambda: _axis_by_cftime(counts, units)
    return workload(name, ours, peers, Work.between(counts, out))


def _axis_by_xarray(counts: np.ndarray, units: str) -> Way | None:
    xarray = find_xarray()
    return xarray and gives(xarray.coding.times.decode_cf_datetime, counts, units, "standard")


def _axis_by_pandas(counts: np.ndarray, unit: str, start: np.datetime64) -> Way | None:
    pandas = find_pandas()
    short = {"days": "D", "hours": "h"}[unit]
    return pandas and gives(
        lambda: pandas.to_datetime(counts, unit=short, origin=start),
        array=lambda index: index.to_numpy().astype("M8[ns]"),
    )


def _axis_by_cftime(counts: np.ndarray, units: str) -> Way | None:
    cftime = tool("cftime")
    return cftime and gives(
        lambda: cftime.num2pydate(counts, units).astype("M8[us]"),
        array=lambda times: times.astype("M8[ns]"),
    )


def cases() -> Iterator[Planned]:
    there = [carried("iris_sample_data", *DATA, file) for file in (CUBE, SERIES)]
    if None in there or tool("netCDF4") is None:
        return
    yield Planned("workload/cube/memory", _memory)
    if tool("scipy.io") is not None:
        yield Planned("workload/cube/file", _file)
    for kind in AXES:
        yield Planned(f"workload/cube/times/{kind}", _axis, kind)
