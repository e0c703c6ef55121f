/* The kernel ABI, version 1: the one signature of move, convert and reduce kernels, in plain C.
 * User kernels use it too. It knows runs of items, never formats, shapes or allocation. */
#ifndef STRIDECAST_KERNEL_ABI_H_
#define STRIDECAST_KERNEL_ABI_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SC_KERNEL_ABI_VERSION 1

/* sc_run.flags */
enum {
  SC_RUN_IN_PLACE = 1, /* src and dst are the same memory with the same steps */
  SC_RUN_STREAM = 2,   /* dst is not read soon: non-temporal stores are allowed, the fence after
                          them is the caller's */
  SC_RUN_FETCH = 4     /* src comes from memory, its rows far apart: fetch ahead along them */
};

/* Error bits: a kernel ORs them over all items and never stops early. */
enum {
  SC_ERR_OVERFLOW = 1, /* a value does not fit the destination */
  SC_ERR_NAN = 2,      /* a NaN has no counterpart in the destination */
  SC_ERR_TEXT = 4,     /* a text could not be read or written */
  SC_ERR_USER = 8,     /* a user kernel's own complaint */
  SC_ERR_INEXACT = 32, /* a value has no equal in the destination, where one was asked for */
  SC_ERR_STOP = 16     /* beside another bit: the run must end without another call of a kernel,
                          not even to find the item; the complaint is kept elsewhere */
};

/* A rectangle of n[0] rows of n[1] items; n[0] == 1 is a 1-D run. n is never 0. No pointer needs
 * any alignment. A packed side has step[1] == item size and step[0] == n[1] * item size. */
typedef struct sc_run {
  uint32_t struct_size, flags;
  int64_t n[2];
  const void* src;
  int64_t src_step[2]; /* bytes, signed */
  void* dst;
  int64_t dst_step[2];
  const void* aux[3]; /* mask, scale, offset, ...: meaning fixed by the entry; step 0 = one value */
  int64_t aux_step[3][2];
  int64_t index, index_step[2]; /* logical index of item (0,0) and its steps */
  int64_t src_size, dst_size;   /* item sizes in bytes, for size-n and text kernels */
  const void* params; /* immutable, owned by the plan: limits, units, seed, user pointer */
  void* state;        /* reduce: accumulators */
  void* scratch;      /* this thread's, 64-byte aligned, entry.scratch_bytes */
} sc_run;

/* Returns 0 or error bits. Never throws, never stops early. */
typedef uint32_t (*sc_kernel)(const sc_run*);

/* sc_entry.src_access and dst_access: what a kernel can walk on that side. */
enum {
  SC_ACCESS_NONE = 0, /* the side is not touched (a check writes nothing) */
  SC_ACCESS_PACKED = 1,
  SC_ACCESS_STRIDED = 2, /* any steps in both dimensions; packed included */
  SC_ACCESS_TILE = 3     /* one side unit-step in rows, the other in columns */
};

/* sc_entry.needs */
enum {
  SC_NEEDS_INDEX = 1,
  SC_NEEDS_MASK = 2,
  SC_NEEDS_AUX = 4,
  SC_NEEDS_STATE = 8,
  SC_NEEDS_SCRATCH = 16,
  SC_NEEDS_GIL = 32
};

/* sc_entry.traits */
enum {
  SC_TRAIT_MAY_FAIL = 1,
  SC_TRAIT_IN_PLACE = 2, /* correct when src == dst with equal item sizes and steps */
  SC_TRAIT_THREAD_SAFE = 4
};

typedef struct sc_entry {
  sc_kernel run; /* NULL: this table has no such kernel */
  const char* name;
  uint32_t src_access, dst_access;
  uint32_t needs, traits;
  uint32_t scratch_bytes;
} sc_entry;

/* A reduction folds n[0] items for each of n[1] columns, by kernels over opaque states:
 *   init    makes run.state neutral
 *   step    folds n[0] rows of n[1] packed columns at src into the states; may be called with any
 *           number of rows and resumes where it stopped. One column packed is a contiguous run.
 *   merge   folds the states at src (of the elements that follow) into run.state
 *   finish  writes the n[1] results, packed, to dst
 * These four see the same n[1] for one block of states, state_header_bytes + n[1] *
 * state_column_bytes. Two more, where they are not NULL, spare what the four would cost:
 *   whole   init, step and finish at once, without a state, of columns which lie src_step[1]
 *           apart; their n[0] items are packed, or two item sizes apart where the entry says
 *           every_second: src_step[0] tells which
 *   join    folds the columns of the states at src, n[1] groups of n[0] columns, into run.state of
 *           n[1]. Only where the order of a fold cannot be seen. The states at src are lost. */
typedef struct sc_reduce_entry {
  sc_kernel init, step, merge, finish, whole, join;
  const char* name;
  int64_t state_header_bytes, state_column_bytes;
  int32_t every_second; /* not 0: step, of one column, and whole take every second item, too */
} sc_reduce_entry;

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* STRIDECAST_KERNEL_ABI_H_ */
