/* The kernel ABI, version 1: the one signature of move, convert and reduce kernels, in plain C.
 * User kernels use it too. It knows runs of items, never formats, shapes or allocation. */
#ifndef STRIDECAST_KERNEL_ABI_H_
#define STRIDECAST_KERNEL_ABI_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The version of all that follows. */
#define SC_KERNEL_ABI_VERSION 1

/** sc_run.flags */
enum {
  SC_RUN_IN_PLACE = 1, /**< src and dst are the same memory with the same steps */
  SC_RUN_STREAM = 2,   /**< dst is not read soon: non-temporal stores are allowed, the fence after
                            them is the caller's */
  SC_RUN_FETCH = 4     /**< src comes from memory, its rows far apart: fetch ahead along them */
};

/** Error bits: a kernel ORs them over all items and never stops early. */
enum {
  SC_ERR_OVERFLOW = 1, /**< a value does not fit the destination */
  SC_ERR_NAN = 2,      /**< a NaN has no counterpart in the destination */
  SC_ERR_TEXT = 4,     /**< a text could not be read or written */
  SC_ERR_USER = 8,     /**< a user kernel's own complaint */
  SC_ERR_INEXACT = 32, /**< a value has no equal in the destination, where one was asked for */
  SC_ERR_STOP = 16     /**< beside another bit: the run must end without another call of a kernel,
                            not even to find the item; the complaint is kept elsewhere */
};

/** A rectangle of n[0] rows of n[1] items; n[0] == 1 is a 1-D run. n is never 0. No pointer needs
 * any alignment. A packed side has step[1] == item size and step[0] == n[1] * item size. */
typedef struct sc_run {
  uint32_t struct_size;   /**< sizeof(sc_run) of the caller, to which later versions only add */
  uint32_t flags;         /**< SC_RUN_* */
  int64_t n[2];           /**< rows, and items of a row */
  const void* src;        /**< item (0,0) of the source */
  int64_t src_step[2];    /**< from row to row and from item to item: bytes, signed */
  void* dst;              /**< item (0,0) of the destination */
  int64_t dst_step[2];    /**< as src_step */
  const void* aux[3];     /**< mask, scale, offset, ...: meaning fixed by the entry */
  int64_t aux_step[3][2]; /**< as src_step; 0 = one value */
  int64_t index;          /**< logical index of item (0,0) */
  int64_t index_step[2];  /**< and its steps */
  int64_t src_size;       /**< bytes of an item of the source, for size-n and text kernels */
  int64_t dst_size;       /**< and of the destination */
  const void* params;     /**< immutable, owned by the plan: limits, units, seed, user pointer */
  void* state;            /**< reduce: accumulators */
  void* scratch;          /**< this thread's, 64-byte aligned, entry.scratch_bytes */
} sc_run;

/** Returns 0 or error bits. Never throws, never stops early.
 *
 * @code{.c}
 * // Q8.8 fixed point to double. No address is aligned: memcpy compiles to one instruction.
 * uint32_t decode(const sc_run* run) {
 *   for (int64_t i = 0; i < run->n[1]; ++i) {
 *     int16_t bits;
 *     memcpy(&bits, (const char*)run->src + 2 * i, 2);
 *     const double value = bits / 256.0;
 *     memcpy((char*)run->dst + 8 * i, &value, 8);
 *   }
 *   return 0;
 * }
 * @endcode
 */
typedef uint32_t (*sc_kernel)(const sc_run*);

/** sc_entry.src_access and dst_access: what a kernel can walk on that side. */
enum {
  SC_ACCESS_NONE = 0,    /**< the side is not touched (a check writes nothing) */
  SC_ACCESS_PACKED = 1,  /**< items side by side, rows too */
  SC_ACCESS_STRIDED = 2, /**< any steps in both dimensions; packed included */
  SC_ACCESS_TILE = 3     /**< one side unit-step in rows, the other in columns */
};

/** sc_entry.needs: what of sc_run has to be filled in, or held */
enum {
  SC_NEEDS_INDEX = 1,    /**< index and index_step */
  SC_NEEDS_MASK = 2,     /**< aux[0], a byte an item */
  SC_NEEDS_AUX = 4,      /**< aux and aux_step */
  SC_NEEDS_STATE = 8,    /**< state */
  SC_NEEDS_SCRATCH = 16, /**< scratch */
  SC_NEEDS_GIL = 32      /**< the lock of Python's interpreter; called by one thread */
};

/** sc_entry.traits */
enum {
  SC_TRAIT_MAY_FAIL = 1,   /**< may return error bits */
  SC_TRAIT_IN_PLACE = 2,   /**< correct when src == dst with equal item sizes and steps */
  SC_TRAIT_THREAD_SAFE = 4 /**< may be called by several threads at once */
};

/** A kernel and what it asks for. */
typedef struct sc_entry {
  sc_kernel run;          /**< NULL: this table has no such kernel */
  const char* name;       /**< for people: what a plan's explanation calls it */
  uint32_t src_access;    /**< SC_ACCESS_* */
  uint32_t dst_access;    /**< SC_ACCESS_* */
  uint32_t needs;         /**< SC_NEEDS_* bits */
  uint32_t traits;        /**< SC_TRAIT_* bits */
  uint32_t scratch_bytes; /**< of sc_run.scratch, where it is needed */
} sc_entry;

/** A reduction folds n[0] items for each of n[1] columns, by kernels over opaque states. The first
 * four see the same n[1] for one block of states, of state_header_bytes + n[1] *
 * state_column_bytes. `whole` and `join`, where they are not NULL, spare what the four would cost.
 */
typedef struct sc_reduce_entry {
  sc_kernel init;  /**< makes run.state neutral */
  sc_kernel step;  /**< folds n[0] rows of n[1] packed columns at src into the states; may be called
                        with any number of rows and resumes where it stopped. One column packed is
                        a contiguous run. */
  sc_kernel merge; /**< folds the states at src (of the elements that follow) into run.state */
  sc_kernel finish; /**< writes the n[1] results, packed, to dst */
  sc_kernel whole;  /**< init, step and finish at once, without a state, of columns which lie
                         src_step[1] apart; their n[0] items are packed, or two item sizes apart
                         where the entry says every_second: src_step[0] tells which */
  sc_kernel join;   /**< folds the columns of the states at src, n[1] groups of n[0] columns, into
                         run.state of n[1]. Only where the order of a fold cannot be seen. The states
                         at src are lost. */
  const char* name; /**< for people */
  int64_t state_header_bytes; /**< of a block of states */
  int64_t state_column_bytes; /**< of each column of it */
  int32_t every_second; /**< not 0: step, of one column, and whole take every second item, too */
} sc_reduce_entry;

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* STRIDECAST_KERNEL_ABI_H_ */
