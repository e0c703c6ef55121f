// The umbrella: everything a C++ user of stridecast includes.
#ifndef STRIDECAST_STRIDECAST_H_
#define STRIDECAST_STRIDECAST_H_

#include "stridecast/bits.h"
#include "stridecast/datetime.h"
#include "stridecast/error.h"
#include "stridecast/format.h"
#include "stridecast/kernel_abi.h"
#include "stridecast/layout.h"
#include "stridecast/ops.h"
#include "stridecast/plan.h"
#include "stridecast/runtime.h"
#include "stridecast/types.h"
#include "stridecast/version.h"

#endif  // STRIDECAST_STRIDECAST_H_
