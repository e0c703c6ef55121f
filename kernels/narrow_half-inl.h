// float16, bfloat16 and float32 to floats of at most 8 bits where one instruction looks up 64 bytes
// in a table of 128 (AVX-512 VBMI): 64 items at a time, as vectors of bytes. A code without its
// sign is what a table has for the exponent and what one has for the upper seven bits of the
// fraction, added up; subnormals have tables of their own. narrow_float.cc has the way for all
// other targets.

#if defined(STRIDECAST_KERNELS_NARROW_HALF_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_NARROW_HALF_INL_H_
#undef STRIDECAST_KERNELS_NARROW_HALF_INL_H_
#else
#define STRIDECAST_KERNELS_NARROW_HALF_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"
#include "kernels/convert-inl.h"
#include "kernels/float16-inl.h"
#include "kernels/kernel_table.h"
#include "kernels/lane_types.h"

#undef STRIDECAST_LOOKS_UP_HALVES
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
#define STRIDECAST_LOOKS_UP_HALVES 1
#else
#define STRIDECAST_LOOKS_UP_HALVES 0
#endif

#if STRIDECAST_LOOKS_UP_HALVES

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// value / 2^bits, to nearest even.
constexpr int RoundedShift(int value, int bits) {
  const int floor = value >> bits, rest = value - floor * (1 << bits), half = 1 << (bits - 1);
  return floor + (rest > half || (rest == half && floor % 2 != 0));
}

// Fractions of seven bits that lose so many of them: normal values.
struct FractionTable {
  alignas(64) uint8_t code[128] = {};
  constexpr explicit FractionTable(int dropped) {
    for (int f = 0; f < 128; ++f) code[f] = static_cast<uint8_t>(RoundedShift(f, dropped));
  }
};

// Significands (the fraction behind a 1) that lose more bits: as many classes of subnormals, beside
// that of zero, which comes first, as there are binades of them, the smallest of which lose all
// eight bits and round up nevertheless, but for the tie. All fractions that each of the classes
// rounds alike are a cell.
struct SubnormalTable {
  alignas(64) uint8_t cell[128] = {};
  alignas(64) uint8_t code[128] = {};  // [class * cells + cell]
  alignas(64) uint8_t begin[64] = {};  // of each class; 0 behind the last
  int classes = 0, cells = 0;

  constexpr explicit SubnormalTable(int dropped) : classes(9 - dropped) {
    const auto code_of = [](int f, int cls) { return RoundedShift(128 + f, 9 - cls); };
    for (int f = 0; f < 128; ++f) {
      bool is_new = f == 0;
      for (int cls = 1; cls < classes && !is_new; ++cls) {
        is_new = code_of(f, cls) != code_of(f - 1, cls);
      }
      cells += is_new;
      cell[f] = static_cast<uint8_t>(cells - 1);
    }
    for (int f = 0; f < 128; ++f) {
      for (int cls = 1; cls < classes; ++cls) {
        code[cls * cells + cell[f]] = static_cast<uint8_t>(code_of(f, cls));
      }
    }
    for (int cls = 0; cls < classes; ++cls) begin[cls] = static_cast<uint8_t>(cls * cells);
  }
  // One class, of fractions that lose so many bits: float16's own subnormals in a type of which
  // they are the smallest normal values.
  struct OfFractions {};
  constexpr SubnormalTable(OfFractions, int dropped) : classes(1), cells(128) {
    for (int f = 0; f < 128; ++f) {
      cell[f] = static_cast<uint8_t>(f);
      code[f] = static_cast<uint8_t>(RoundedShift(f, dropped));
    }
  }
};

// By bits of fraction, from one on.
inline constexpr FractionTable kFractions[] = {FractionTable(6), FractionTable(5), FractionTable(4),
                                               FractionTable(3)};
inline constexpr SubnormalTable kSubnormals[] = {SubnormalTable(6), SubnormalTable(5),
                                                 SubnormalTable(4), SubnormalTable(3)};
inline constexpr SubnormalTable kOwnSubnormals{SubnormalTable::OfFractions(), 4};
static_assert(kSubnormals[3].classes * kSubnormals[3].cells <= 128);

struct ByteSequences {
  alignas(64) uint8_t from_0[64] = {}, from_1[64] = {}, even[64] = {}, odd[64] = {};
  alignas(64) uint8_t largest_pair[64] = {};
  constexpr ByteSequences() {
    for (int i = 0; i < 64; ++i) {
      from_0[i] = static_cast<uint8_t>(i);
      from_1[i] = static_cast<uint8_t>(i + 1);
      even[i] = static_cast<uint8_t>(2 * i);
      odd[i] = static_cast<uint8_t>(2 * i + 1);
      largest_pair[i] = i == 63 ? 62 : 60;
    }
  }
};
inline constexpr ByteSequences kBytes;

HWY_INLINE __m512i AllBytes(int byte) { return _mm512_set1_epi8(static_cast<char>(byte)); }

// 64 items as bytes.
struct HalfBytes {
  __m512i binade;    // places of their exponents in tables of 64
  __m512i fraction;  // seven bits, below anything
  __m512i top;       // the sign, on top of anything
};

// What tells the sources apart: where their exponents are, and how they come to seven bits of
// fraction, the last of which is also set where a lost one was (rounding to odd).
//   kAllOnes: the place of the exponent of infinities and NaNs
//   Place: that of the exponent that float32 has as `exponent`, the smallest normal one of a type
//     that has `classes` of smaller values
//   HalfSource(place, exponent): with that place
template <typename S>
struct HalfSource;

// Exponents are cut to those that matter, by pairs of an even one and the next; what becomes zero
// has two places or three.
template <>
struct HalfSource<BFloat16> {
  static constexpr int kAllOnes = 63;
  static int Place(int exponent, int classes) { return classes + 2 + (exponent - classes) % 2; }

  HalfSource(int place, int exponent) {
    const __m512i even = _mm512_load_si512(kBytes.even);
    const __m512i first = AllBytes(exponent - place);
    pairs_[0] = _mm512_min_epu8(_mm512_subs_epu8(even, first), AllBytes(60));
    pairs_[1] = _mm512_min_epu8(_mm512_subs_epu8(_mm512_add_epi8(even, AllBytes(128)), first),
                                _mm512_load_si512(kBytes.largest_pair));
  }

  HWY_INLINE HalfBytes Split(__m512i v0, __m512i v1, __m512i even, __m512i odd) const {
    HalfBytes out;
    out.fraction = _mm512_permutex2var_epi8(v0, even, v1);
    out.top = _mm512_permutex2var_epi8(v0, odd, v1);
    const __m512i pair = _mm512_permutex2var_epi8(pairs_[0], out.top, pairs_[1]);
    const __mmask64 second = _mm512_movepi8_mask(out.fraction);
    out.binade = _mm512_mask_sub_epi8(pair, second, pair, AllBytes(-1));
    return out;
  }

 private:
  __m512i pairs_[2];
};

template <>
struct HalfSource<float> : HalfSource<BFloat16> {
  using HalfSource<BFloat16>::HalfSource;
};

// Every exponent has its place.
template <>
struct HalfSource<Float16> {
  static constexpr int kAllOnes = 31;
  static int Place(int exponent, int /*classes*/) { return exponent - (127 - 15); }

  HalfSource(int /*place*/, int /*exponent*/) {}

  HWY_INLINE HalfBytes Split(__m512i v0, __m512i v1, __m512i even, __m512i odd) const {
    HalfBytes out;
    out.top = _mm512_permutex2var_epi8(v0, odd, v1);
    out.binade = _mm512_and_si512(_mm512_srli_epi16(out.top, 2), AllBytes(31));
    const __m512i low = _mm512_permutex2var_epi8(v0, even, v1);
    const __m512i upper =
        _mm512_permutex2var_epi8(_mm512_srli_epi16(v0, 4), even, _mm512_srli_epi16(v1, 4));
    const __m512i six = _mm512_add_epi8(upper, upper);
    const __mmask64 lost = _mm512_test_epi8_mask(low, AllBytes(15));
    out.fraction = _mm512_mask_sub_epi8(six, lost, six, AllBytes(-1));
    return out;
  }
};

// kNanOverflows: NaN has the code of what overflows.
template <typename S, bool kNanOverflows>
class HalfToNarrow {
 public:
  static constexpr bool kFromFloat32 = std::is_same_v<S, float>;
  using Src = std::conditional_t<kFromFloat32, float, uint16_t>;
  using Dst = uint8_t;
  using Wide = Src;

  explicit HalfToNarrow(const sc_run& run)
      : HalfToNarrow(*static_cast<const NarrowFloatParams*>(run.params), Facts(run)) {}

  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    if constexpr (kFromFloat32) {
      const hn::Twice<DD> d2;
      return hn::LowerHalf(dd, hn::LowerHalf(d2, Pack4(hn::Twice<decltype(d2)>(), v, v, v, v)));
    } else {
      return hn::LowerHalf(dd, Pack2(hn::Twice<DD>(), v, v));
    }
  }

  // float32 as bfloat16 rounded to odd, of which no code is a tie unless the float32 is.
  template <class D8, class V>
  HWY_INLINE hn::Vec<D8> Pack4(D8 d8, V v0, V v1, V v2, V v3) const requires(kFromFloat32) {
    const hn::Repartition<uint16_t, D8> d16;
    return Narrow(d8, PackUpperHalves(d16, Odd(v0), Odd(v1)),
                  PackUpperHalves(d16, Odd(v2), Odd(v3)));
  }

  template <class D8, class V>
  HWY_INLINE hn::Vec<D8> Pack2(D8 d8, V v0, V v1) const requires(!kFromFloat32) {
    return Narrow(d8, v0, v1);
  }

 private:
  template <class V>
  HWY_INLINE static auto Odd(V v) {
    const hn::RebindToUnsigned<hn::DFromV<V>> du32;
    const auto bits = hn::BitCast(du32, v);
    return hn::OrAnd(bits, hn::Add(bits, hn::Set(du32, 0xFFFFu)), hn::Set(du32, 0x10000u));
  }

  template <class D8, class V>
  HWY_INLINE hn::Vec<D8> Narrow(D8, V v0, V v1) const {
    const HalfBytes v = source_.Split(v0.raw, v1.raw, even_, odd_);
    __m512i code = _mm512_min_epu8(Codes(v), overflow_);
    if constexpr (!kNanOverflows) {
      const __mmask64 special = _mm512_cmpeq_epi8_mask(v.binade, AllBytes(HalfSource<S>::kAllOnes));
      const __mmask64 nan = _mm512_mask_test_epi8_mask(special, v.fraction, AllBytes(127));
      code = _mm512_mask_mov_epi8(code, nan, nan_);
    }
    const __mmask64 has_sign = _mm512_cmpneq_epi8_mask(code, unsigned_);
    const __m512i top = _mm512_maskz_mov_epi8(has_sign, _mm512_srl_epi16(v.top, sign_shift_));
    constexpr int kOrAnd = 0xF8;  // code | (top & sign)
    return hn::Vec<D8>{_mm512_ternarylogic_epi64(code, top, sign_, kOrAnd)};
  }

  // Of the type that is written.
  struct Facts {
    int fraction_bits, exponent;  // of the smallest normal value, as float32 has it
    explicit Facts(const sc_run& run) {
      const auto& p = *static_cast<const NarrowFloatParams*>(run.params);
      fraction_bits = static_cast<int>(23 - p.dropped_bits);
      exponent = static_cast<int>(p.rebias >> fraction_bits) + 1;
    }
    int classes() const { return kSubnormals[fraction_bits - 1].classes - 1; }
    int place() const { return HalfSource<S>::Place(exponent, classes()); }
  };

  HalfToNarrow(const NarrowFloatParams& p, const Facts& facts)
      : source_(facts.place(), facts.exponent),
        even_(_mm512_load_si512(kBytes.even)),
        odd_(_mm512_load_si512(kBytes.odd)),
        overflow_(AllBytes(static_cast<int>(p.overflow))),
        nan_(AllBytes(static_cast<int>(p.nan))),
        // What no code without a sign is, where zero may have one.
        unsigned_(AllBytes(p.unsigned_zero ? 0 : 0xFF)),
        sign_(AllBytes(0x80 >> (p.sign_bits - 24))),
        sign_shift_(_mm_cvtsi32_si128(static_cast<int>(p.sign_bits) - 24)) {
    const int place = facts.place(), bits = facts.fraction_bits;
    const uint8_t* const fraction = kFractions[bits - 1].code;
    fraction_[0] = _mm512_load_si512(fraction);
    fraction_[1] = _mm512_load_si512(fraction + 64);

    // Zero and subnormals of float16 itself are normal values' binade without a leading 1, where
    // the smallest normal values are the same, or a class of their own.
    const bool own = std::is_same_v<S, Float16> && place <= 1;
    const SubnormalTable& small = own ? kOwnSubnormals : kSubnormals[bits - 1];
    first_normal_ = AllBytes(own ? 1 - place : place);
    cell_[0] = _mm512_load_si512(small.cell);
    cell_[1] = _mm512_load_si512(small.cell + 64);
    small_[0] = _mm512_load_si512(small.code);
    small_[1] = _mm512_load_si512(small.code + 64);

    // Of normal binades: how many there are up to them, at most one more than below the code of
    // what overflows, at the place of the exponent in codes. Of others: where their class begins.
    const __m512i normals =
        _mm512_min_epu8(_mm512_subs_epu8(_mm512_load_si512(kBytes.from_1), AllBytes(place)),
                        AllBytes(static_cast<int>(p.overflow >> bits) + 1));
    const __m512i codes = _mm512_sll_epi16(normals, _mm_cvtsi32_si128(bits));
    const __m512i classes =
        _mm512_sub_epi8(_mm512_load_si512(kBytes.from_0), AllBytes(place - small.classes));
    const __m512i begin = _mm512_permutexvar_epi8(classes, _mm512_load_si512(small.begin));
    const __mmask64 not_own = ~__mmask64{own};
    binade_ = _mm512_maskz_add_epi8(not_own, codes, begin);
  }

  HWY_INLINE __m512i Codes(const HalfBytes& v) const {
    const __mmask64 small = _mm512_cmplt_epu8_mask(v.binade, first_normal_);
    const __m512i binade = _mm512_permutexvar_epi8(v.binade, binade_);
    const __m512i normal = _mm512_permutex2var_epi8(fraction_[0], v.fraction, fraction_[1]);
    const __m512i cell = _mm512_permutex2var_epi8(cell_[0], v.fraction, cell_[1]);
    const __m512i sum = _mm512_add_epi8(binade, _mm512_mask_mov_epi8(normal, small, cell));
    // What is looked up again keeps the place of what is not: one instruction.
    return _mm512_mask2_permutex2var_epi8(small_[0], sum, small, small_[1]);
  }

  HalfSource<S> source_;
  __m512i even_, odd_;
  __m512i overflow_, nan_, unsigned_, sign_;
  __m128i sign_shift_;
  __m512i binade_, first_normal_;
  __m512i fraction_[2], cell_[2], small_[2];
};

}  // namespace
}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // STRIDECAST_LOOKS_UP_HALVES

#endif  // per-target include guard
