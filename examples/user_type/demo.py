"""Uses posit16 like a built-in type: python demo.py [c | numba | python]; see README.md."""

import sys

import numpy as np
import posit

import stridecast

POSIT = "[posit$posit16$]"

kind = sys.argv[1] if len(sys.argv) > 1 else "c"
posit.register(getattr(posit, f"kernels_from_{kind}"))

values = np.array([1, -2.5, 0.1, 1e9, np.inf])
posits = stridecast.convert(values, POSIT)
print("format:", posits.format, posits.itemsize)
print("numpy:", posits.numpy(), posits.numpy().dtype)
print("float32:", stridecast.convert(posits, "f").tolist())
print("byteswapped:", [hex(bits) for bits in stridecast.byteswap(posits).numpy()])

# In a struct, most significant byte first, beside an int that widens on the way.
items = stridecast.convert(
    np.array([(7, 1.5), (8, -1.5)], [("id", "i2"), ("x", "f4")]), f"T{{i:id:>{POSIT}:x:}}"
)
print("struct:", items.format, items.numpy().tolist(), items.numpy().dtype["x"])
print("back:", stridecast.convert(items, "T{i:id:d:x:}").tolist())

every = np.arange(65536, dtype=np.uint16)
there = stridecast.convert(stridecast.Buffer(every).view(POSIT), "d", threads=2)
back = stridecast.convert(there, POSIT, threads=2)
print("every posit there and back:", bool((back.numpy() == every).all()))
steps = str(stridecast.plan(POSIT, "f", 1000)).splitlines()[-1].strip()
print("plan:", steps.split(",")[0])
