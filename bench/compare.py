"""python bench/compare.py OLD.json NEW.json: what became faster or slower beyond noise.

The same as `python -m stridecast_bench.compare`, for a checkout.
"""

import sys

from stridecast_bench.compare import main

if __name__ == "__main__":
    sys.exit(main())
