// The engine's own view of the process-wide choices of stridecast/runtime.h.
#ifndef STRIDECAST_ENGINE_RUNTIME_H_
#define STRIDECAST_ENGINE_RUNTIME_H_

#include "kernels/kernel_table.h"

namespace stridecast::internal {

/// The kernels of the active target.
const kernels::KernelTable* active_table();
/// fork() must not find the cache's mutex held by a thread that the child does not have.
void lock_plan_cache();
/// Of narrow_route.cc.
void lock_lookup_tables();
void unlock_lookup_tables();
void unlock_plan_cache();
/// True in a child made by fork() after this library was loaded: OpenMP's pool did not survive.
bool in_forked_child() noexcept;
/// OpenMP's current maximum, asked in run.cc (the one file with OpenMP).
int openmp_max_threads() noexcept;
int openmp_version() noexcept;  // the date of its specification, 201511 and such

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_RUNTIME_H_
