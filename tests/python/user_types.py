"""A type of the user's for tests: Q8.8, a fixed-point number whose sixteen bits count 256ths."""

import itertools

import numpy as np

import stridecast as sc

_names = (f"T{i}" for i in itertools.count())


def new_name():
    """A name that no other test has registered: what is registered stays."""
    return next(_names)


def text(name, mark="", param=""):
    """The format of a type in the module that these tests call theirs."""
    return f"{mark}[user${name}${param}]"


def decode(bits):
    return bits.view("i2") / 256


def encode(values):
    return (values * 256).astype("i2").view("u2")


def q88(values, fmt):
    """Numbers as Q8.8 in a buffer of this format."""
    order = ">" if fmt.startswith(">") else "="
    bits = (np.asarray(values) * 256).astype("i2").astype(np.dtype("i2").newbyteorder(order))
    return sc.Buffer(bits).view(fmt)
