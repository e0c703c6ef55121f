// KernelTable: all kernels of one SIMD target, and how to get one table per target this CPU
// supports. Kernels process runs (stridecast/kernel_abi.h); which kernels make up a conversion, and
// over which loops they run, is the engine's business.
#ifndef STRIDECAST_KERNELS_KERNEL_TABLE_H_
#define STRIDECAST_KERNELS_KERNEL_TABLE_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "stridecast/kernel_abi.h"
#include "stridecast/types.h"

namespace stridecast::kernels {

// Moves are by item size, never by type: 1, 2, 4, 8, 16 bytes, and n (sc_run.src_size == dst_size).
inline constexpr int kMoveSizes = 6;
inline constexpr int kMoveN = 5;
constexpr int move_index(int64_t item_size) noexcept {
  switch (item_size) {
    case 1:
      return 0;
    case 2:
      return 1;
    case 4:
      return 2;
    case 8:
      return 3;
    case 16:
      return 4;
    default:
      return kMoveN;
  }
}

inline constexpr int kTileSizes = 5;  // move_index of 1, 2, 4, 8, 16

// sc_run.params of move_swap[kMoveN]: items of sc_run.src_size bytes in which every unit is
// reversed.
struct SwapParams {
  int64_t unit;  // divides the item size
};

// sc_run.params of shuffle: bytes of the destination taken from up to four windows, a group of
// items at a time. A window is what one vector reads: so many bytes from run.src, or from aux[k -
// 1] for window k, and onwards by the group's items' steps. The destination's bytes are a window,
// too.
inline constexpr int kShuffleBytes = 64;
inline constexpr int kShuffleSources = 4;
inline constexpr uint8_t kNoByte = 0xFF;
struct ShuffleParams {
  struct Source {
    uint8_t item[kShuffleBytes];  // which of the group's items reads this byte; kNoByte: none
    uint8_t byte[kShuffleBytes];  // for each destination byte; kNoByte: not from this window
  };
  uint8_t item[kShuffleBytes];  // which of the group's items a destination byte is of; or kNoByte
  Source sources[kShuffleSources];  // a byte from none of them becomes 0
  int32_t num_sources;              // 1 to 4; one that is not needed takes no bytes
  int32_t group;                    // items at a time
  int32_t window;                   // bytes that all windows need: 1 to kShuffleBytes
};

// sc_run.state of stream_rows, which writes rows of the destination panel after panel: what does
// not fill a line yet is carried to the next panel.
struct CarryState {
  unsigned char* lines;  // kCarryLine bytes a row, aligned to them
  bool first, last;      // this panel begins, ends the rows
};
inline constexpr int64_t kCarryLine = 64;

// sc_run.params of check and clamp: the closed interval [lo, hi] of values that may pass. Integer
// kernels read the integers (uint64 its bits), float kernels the doubles (exact in the kernel's
// type).
struct LimitParams {
  int64_t lo_int = 0, hi_int = 0;
  double lo = 0, hi = 0;
  long double lo_long = 0, hi_long = 0;      // of long double
  bool infinity_ok = false, nan_ok = false;  // float check: they pass whatever the interval is
};

// sc_run.params of lookup: what each byte becomes, byte by byte of the result.
struct LookupParams {
  alignas(64) uint8_t low[256] = {};  // of 1-byte results all there is
  alignas(
      64) uint8_t high[256] = {};  // of 2-byte results, and of 4-byte ones, whose lower half is 0
};

// sc_run.params of narrow_float: a float of at most 8 bits, one of them the sign, and at least one
// bit of fraction. Codes are without sign; the sign's bit is added to all of them, NaN included.
struct NarrowFloatParams {
  uint32_t dropped_bits = 0;   // fraction bits of float32 that it does not have
  uint32_t rebias = 0;         // (127 - bias) at the place of its exponent
  uint32_t overflow = 0;       // code of what rounds beyond the largest finite value, and of
                               // infinity: that value's own code or the one behind it
  uint32_t nan = 0;            // code, not below the smallest normal value's; it may hold the sign
  uint32_t sign_bits = 0;      // its sign's place from the top of 32 bits: a shift
  bool unsigned_zero = false;  // zero never has a sign
};

// sc_run.params of extend_bits and keep_bits: how many low bits count, at most 8.
struct NarrowIntParams {
  int32_t bits = 8;
};
inline constexpr int kBitsSizes = 4;  // move_index of 1, 2, 4, 8

// sc_run.params of round_integral, round_float and round_wide. Their items lie packed, one after
// the other, also where a run has several rows: those and index_step are for the random numbers, of
// which item (r, c) takes number index + r * index_step[0] + c * index_step[1].
struct RoundParams {
  Rounding rounding = Rounding::kNearestEven;  // never kDefault
  uint64_t seed = 0;                           // of kStochastic
  int64_t draws = 1;  // random numbers an item: sc_run.index is item * draws + leaf of the item
  // Of round_float: the format rounded to. Codes are without sign.
  int32_t digits = 0;        // of the significand, with the hidden one
  int32_t min_exponent = 0;  // of the smallest normal value: 2^min_exponent
  uint32_t max_finite = 0;   // code
  uint32_t overflow = 0;  // code of what is beyond, where the direction does not lead to max_finite
  uint32_t infinity = 0;  // code of infinities
  uint32_t nan = 0;       // code of NaN; of float16 and float32 the payload's top bits are added
  int32_t sign_bit = 0;   // which of the code; -1: unsigned, where zero and less are NaN and values
                          // below the smallest (whose code is 0) are the smallest
  bool keeps_payload = false;
  bool nan_keeps_sign = true;
  bool unsigned_zero = false;
  // Also of round_wide. SC_ERR_OVERFLOW where the rounded value is beyond max_finite, for
  // infinities without a counterpart, and for what an unsigned format cannot hold (zero and less,
  // values below the smallest); SC_ERR_NAN for NaNs without a counterpart.
  bool report_overflow = false;
  bool has_infinity = true;  // round_wide without: the largest finite value for what is beyond
  bool has_nan = true;
};

// sc_run.params of the checks for equal values.
struct ExactParams {
  int32_t digits = 0;        // significand bits that the destination has
  int32_t min_exponent = 0;  // its smallest step is 2^min_exponent; 0: integers
};

// sc_run.params of the kernels of scaling.
inline constexpr int kMaxMissing = 8;
inline constexpr int kMissingSizes = 5;  // move_index of 1, 2, 4, 8, 16
struct ScaleParams {
  int32_t num_missing = 0;
  // Items that stand for missing ones, as unsigned integers of their size (16 bytes: two of 8 in
  // the order of memory), and the bits of an item that count.
  uint64_t missing[kMaxMissing][2] = {};
  uint64_t counting[2] = {~uint64_t{0}, ~uint64_t{0}};
  double missing_values[kMaxMissing] = {};  // of decode and encode: the numbers that they are
  bool rounds = false;                      // unscale: to the nearest integral value, ties to even
  double filler = 0;      // unscale, if num_missing is not 0: what NaN becomes on its way
  double lo = 0, hi = 0;  // encode: the integers that the destination has
  bool swaps = false;     // decode, flip: the source's items have their bytes in the other order
  uint64_t flipped = 0;   // flip: bits of the result, as it is stored, that are turned
};

// sc_run.params of text kernels, whose items are sc_run.src_size and dst_size bytes.
struct TextParams {
  bool refuse_truncation = false;  // SC_ERR_OVERFLOW where characters other than NUL are cut off
};

// sc_run.params of the kernels of bits: their side of bits begins at bit `first` of its pointer,
// least significant bits first.
struct BitParams {
  int64_t first = 0;      // 0 or more
  bool inverted = false;  // unpack: of the bits' complement
};

// Sums of floats follow the tree of sum-inl.h. The kernels of arg extremes give the logical index
// of the first best item: of item (r, c) it is sc_run.index + r * index_step[0], index_step[0] is
// not negative; in join, index_step[0] is from column to column of a group.
enum ReduceKernel {
  kReduceSum,
  kReduceProd,
  kReduceMin,
  kReduceMax,
  kReduceArgmin,
  kReduceArgmax,
  kReduceAny,
  kReduceAll,
  kReduceCount,   // of items that are not 0
  kReduceSumAbs,  // of absolute values
  kReduceMaxAbs,
  kReduceSumSquares,     // of complex numbers: of both parts
  kReduceSumDeviations,  // squares of what is left of items after aux[0], their columns' mean
  kReduceSumAsFloat,     // of integers
  kReduceSumCompensated,
  kReduceSumReproducible,  // the same bits in any order of the items
  kReduceSumWide,          // WideSumParams
  kReduceProdWide,         // SC_ERR_OVERFLOW where the product needs more than 64 bits
  kNumReduceKernels
};

// By source type: numbers and times.
inline constexpr int kNumReduceTypes = static_cast<int>(DType::kTimedelta64) + 1;
using ReduceEntries = sc_reduce_entry[kNumReduceTypes];

// sc_run.params of finish and whole of kReduceSumWide, whose sums of integers and times cannot
// overflow: in what form they come. aux[0]: float64 numbers of items, of the means.
struct WideSumParams {
  enum Result : uint8_t {
    kInteger,      // 64 bits of the source's sign; SC_ERR_OVERFLOW where the sum needs more
    kMean,         // of times: int64, rounded to nearest even
    kMeanOfFloat,  // float64
  };
  Result result = kInteger;
};

// sc_run.params of quotient.
struct QuotientParams {
  bool root = false;  // the square root of it
};

struct KernelTable {
  const char* target = "";
  int64_t target_bit = 0;

  // Strided to strided in two dimensions; packed sides are recognised and run fastest.
  sc_entry move[kMoveSizes] = {};
  // Every item reversed as it moves; [0] is empty, [n] reads SwapParams.
  sc_entry move_swap[kMoveSizes] = {};

  // Transposed rectangles of sides that share no memory: source items are packed along n[0]
  // (src_step[0] is the item size), destination items along n[1] (dst_step[1] is the item size).
  // Sizes 1 to 16. Two to four channels at the fast end of either side take no other entry.
  sc_entry tile[kTileSizes] = {};
  sc_entry tile_swap[kTileSizes] = {};  // every item reversed as it moves; [0] is empty
  // Whether tiles write whole lines under SC_RUN_STREAM (where the destination's rows begin on
  // them); if not, they ignore it.
  bool streams_tiles = false;
  // Packed rows of scratch, readable for a line before and behind them, to rows of the destination
  // past the caches, in whole lines; state is a CarryState. A first panel that is not the last has
  // a line or more a row.
  sc_entry stream_rows = {};
  // Makes what kernels streamed (SC_RUN_STREAM) visible to other threads: a fence, which they leave
  // to the end of the run.
  void (*flush_streams)() = nullptr;

  // Bytes of items by ShuffleParams, any steps in two dimensions; nothing but the bytes named there
  // is read or written. A group is read before it is written, so it may go on in place where no
  // group writes what another reads. Empty on targets that permute no bytes.
  sc_entry shuffle = {};
  // The target has no masks of bytes: all steps are forwards, every window begins at a byte of its
  // group, what lies between a source's bytes is read as well, and a group writes 16 bytes,
  // zeros where none is named. What it writes beside its own, groups behind it write again, and no
  // group does so behind the row's last byte.
  bool shuffles_whole = false;
  // The windows that pay: kShuffleBytes where one instruction permutes so many bytes, else 16.
  int64_t shuffle_window = 0;

  // Moves the items whose mask is not 0; of the others no byte of dst is read or written. aux[0]:
  // one byte an item at aux_step[0].
  sc_entry move_where[kMoveSizes] = {};
  // Sets the items at dst whose mask is 0 to the item of up to 16 bytes at params, or to zero where
  // that is null, so that no later stage complains. dst strided, src unused; the mask as above.
  sc_entry clear_unselected[kMoveSizes] = {};

  // Packed 1-D runs (n[0] == 1) from here on.

  // Bits to bytes of 0 or 1; bytes, of which any but 0 is true, to bits; int64 items to bits that
  // are set where the item is no NaT (INT64_MIN). Bits of dst beside the n[1] ones stay: their
  // bytes are read and written. All read BitParams.
  sc_entry unpack_bits = {}, pack_bits = {}, valid_bits = {};
  // Adds how many bits of src are set to the int64_t at state.
  sc_entry count_bits = {};

  // A real number and a zero, of parts of 2, 4, 8 bytes and of long double.
  sc_entry complex_from_real[4] = {};
  // From complex64 and complex128: the real part, bit for bit; the absolute value (of the type of a
  // part), at most 1 ulp off, without overflow or underflow on the way: an infinity in either part
  // gives infinity, any other NaN the canonical one; and a byte, 0 or 1: whether a part is not 0
  // (NaN is not, -0.0 is).
  sc_entry real_part[2] = {};
  sc_entry magnitude[2] = {};
  sc_entry complex_truth[2] = {};
  // SC_ERR_INEXACT where an imaginary part is not 0. Nothing is written.
  sc_entry check_imaginary[2] = {};

  // Default rounding (floats: nearest-even, to integers: truncation) and wrap, exactly as
  // docs/numeric_policy.md; empty on the diagonal and between integers of equal size: a move. All
  // pairs of arithmetic types; of the others what engine/convert_route.cc composes pairs from.
  sc_entry convert[kNumReal][kNumReal] = {};
  // The same from a source of any step, never in place: of a few pairs on some targets, where one
  // pass over registers beats a move to scratch and a convert.
  sc_entry convert_strided[kNumArithmetic][kNumArithmetic] = {};
  // The same from packed items in the other byte order, of the pairs that files are read by.
  sc_entry convert_swapped[kNumArithmetic][kNumArithmetic] = {};
  // As convert_strided of a few more from every second item: the real parts of complex numbers.
  sc_entry convert_second[kNumArithmetic][kNumArithmetic] = {};
  // A packed real number, converted, and a zero: to complex numbers of such parts, from a few
  // types.
  sc_entry convert_to_complex[kNumArithmetic][kNumArithmetic] = {};
  // float32, float64 -> integers, long double -> int64 and uint64: clamped, NaN becomes 0.
  sc_entry saturate[kNumReal][kNumArithmetic] = {};
  // Writes nothing; SC_ERR_OVERFLOW / SC_ERR_NAN for values outside LimitParams. Integers, float32,
  // float64, long double.
  sc_entry check[kNumReal] = {};
  // Same type to same type, into LimitParams; NaN stays. Integers, float32, float64.
  sc_entry clamp[kNumArithmetic] = {};

  // One byte to 1, 2 or 4 bytes, as LookupParams has it.
  sc_entry lookup[3] = {};
  // Whether that is as fast as a conversion between integers: tables stay in registers.
  bool looks_up_fast = false;
  // From float32, float16, bfloat16 to a byte: one rounding to nearest even, NarrowFloatParams.
  sc_entry narrow_float[3] = {};
  // From a byte of which the low bits are a signed integer to int8. In place.
  sc_entry extend_bits = {};
  // A byte with the low bits of an integer of 1, 2, 4, 8 bytes, the others 0. In place.
  sc_entry keep_bits[kBitsSizes] = {};
  // Carriers rounded to odd, so that a second rounding (to at least two bits fewer) is as good as
  // one: int64, uint64 and long double to float64, float64 to float32 (with 14 of its bits, which
  // subnormals hold as well). Infinities and NaNs stay; what is not zero does not become zero, and
  // what float32 cannot hold becomes infinite.
  sc_entry odd[kNumReal] = {};

  // RoundParams. In place; from float32, float64, long double to the integral value of the same
  // type.
  sc_entry round_integral[3] = {};
  // From float64 to the code of a float of 1, 2 or 4 bytes.
  sc_entry round_float[3] = {};
  // From int64, uint64, long double to float64.
  sc_entry round_wide[kNumReal] = {};
  // ExactParams; SC_ERR_INEXACT where an item has no equal in the destination. Nothing is written.
  // int32, uint32, int64, uint64 (which look at digits only), float64, long double. NaNs pass, and
  // infinities where there are steps below 1.
  sc_entry check_exact[kNumReal] = {};

  // Scaling: ScaleParams; n[0] rows of n[1] items, packed one after the other. aux[0] and aux[1]
  // are scale and offset, of the float type that is computed in, at equal steps (0: one value).
  // Index 0: float32, 1: float64. x * scale + offset, and (x - offset) / scale, each with two
  // roundings; in place. Where num_missing is not 0, unscale puts the filler in place of NaN and a
  // flag that is not 0 into scratch, a byte an item.
  sc_entry scale[2] = {}, unscale[2] = {};
  // By size of the item, packed, 1-D: into scratch a flag that is not 0 for an item that is
  // missing, nothing else; items whose flag is not 0 become missing[0], of which the second entry
  // reports with SC_ERR_OVERFLOW that another item has that value.
  sc_entry find_missing[kMissingSizes] = {}, place_missing[kMissingSizes][2] = {};
  // Items whose flag in scratch is not 0 become NaN. In place.
  sc_entry mark_missing[2] = {};
  // All of decoding in one pass: scale of the converted item, NaN where it is missing.
  sc_entry decode[kNumArithmetic][2] = {};
  // By size of the item (kBitsSizes), packed, 1-D, in place: the bits `flipped` turned. Between an
  // integer with a sign and one without that is an offset of half their range.
  sc_entry flip[kBitsSizes] = {};
  // All of encoding to a small integer in one pass: clamped to [lo, hi], NaN 0 unless there is a
  // missing value; the second entry reports what does not fit, NaN that has nothing to become, and
  // a value that is missing[0].
  sc_entry encode[2][kNumArithmetic][2] = {};

  // TextParams. Items padded with NULs to another length: of bytes, of UCS-4; bytes to UCS-4 and
  // back, SC_ERR_TEXT for what is not ASCII.
  sc_entry resize_bytes = {}, resize_ucs4 = {};
  sc_entry bytes_to_ucs4 = {}, ucs4_to_bytes = {};

  // Times: kernels/time_params.h. Packed, 1-D; from times to times in place.
  // TimeScaleParams: x * num, floor(x / den), and both where (den - 1) * num and the result fit 63
  // bits; floor(x * wide_num / wide_den) for any that fit 127 bits.
  sc_entry time_multiply = {}, time_divide = {}, time_scale = {}, time_scale_wide = {};
  // Days to the years and months since 1970 that they are in; months to their first days; from and
  // to years or months of any multiples and any other units, value by value.
  sc_entry days_to_years = {}, days_to_months = {}, months_to_days = {}, time_calendar = {};
  // To float32, float64 (nearest even), long double and to float64 rounded to odd (as `odd`); NaT
  // becomes NaN.
  sc_entry time_to_float[3] = {}, time_to_odd = {};
  // float64 truncated to a time, and uint64 to one.
  sc_entry float_to_time = {}, uint64_to_time = {};
  // TimeTextParams: ISO 8601 texts of bytes and of UCS-4, sc_run.src_size or dst_size bytes each.
  sc_entry parse_time[2] = {}, write_time[2] = {};
  // EpochParams (kernels/epoch_params.h): int64 and float64 numbers of units since an epoch to
  // times and back.
  sc_entry epoch_to_time[2] = {}, time_to_epoch[2] = {};
  // TimeFieldsParams (kernels/time_fields.h): the calendar fields of times, into n[0] packed rows
  // at dst_step[0] of int32 and of int64.
  sc_entry time_fields[2] = {};

  // By source type. Sums and products give int64 or the source's float type (float32, float64
  // alone; of complex numbers theirs), minima and maxima the source's type, arg extremes and counts
  // int64, any and all a byte of 0 or 1; sums of squares of complex numbers are real.
  ReduceEntries reduce[kNumReduceKernels] = {};
  // Packed, in place: float32, float64, int64 (gives float64), complex64, complex128 by aux[0], a
  // float64 at aux_step[0][1] (0: one value), computed in float64 and rounded once.
  sc_entry quotient[kNumReduceTypes] = {};
  // A byte an item, packed: 0 where it is NaN (of complex numbers in either part) or NaT, else 1.
  // Floats but narrow ones, complex numbers, times.
  sc_entry not_nan[kNumReduceTypes] = {};
};

// Whether copies past the caches are best made of several pages in turn, which keeps more DRAM
// pages and fill buffers busy: 1.3 times as fast on Intel's Xeons, 0.8 on AMD's Zen 4.
bool streams_pages_in_turn() noexcept;

// One filled table per compiled target that this CPU supports, best first. Made on first use.
std::span<const KernelTable* const> tables();
// The table of a target by name ("AVX2"), or nullptr.
const KernelTable* find_table(std::string_view target) noexcept;
// "1.2.0", of the Highway that the kernels are written with.
const char* highway_version() noexcept;
// Names of all targets compiled in, whether this CPU supports them or not, best first.
std::span<const char* const> compiled_targets();

}  // namespace stridecast::kernels

#endif  // STRIDECAST_KERNELS_KERNEL_TABLE_H_
