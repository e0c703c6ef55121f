// Times to ISO 8601 texts, padded with NULs. Days, seconds and the three shorter units go in
// batches by vectors, as far as the year is from 0 to 9999; other times are left to write_iso_time
// (dtypes/iso_time.h), and so are other units.
//
// Days, and the seconds of a day, are quotients by double: with half a unit added, no quotient is
// near enough to an integer to be rounded across it. The calendar is that of C. Neri, L. Schneider,
// "Euclidean affine functions and their application to calendar algorithms" (2022), from March 1st
// on. A transpose gives the two digits of every field of a text, which are shuffled into place.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/write_time.cc"
#include <cstring>
#include <utility>

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/packed_entry.h"
#include "kernels/targets.h"
#include "kernels/time_text-inl.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

constexpr size_t kTime = sizeof(int64_t);

// --- one time ------------------------------------------------------------------------------------

// `put` writes so many characters, padded, to a text's room.
template <class Put>
HWY_INLINE uint32_t WriteOne(const uint8_t* src, size_t width, const TimeTextParams& params,
                             const Put& put) {
  int64_t value;
  memcpy(&value, src, sizeof(value));
  char text[internal::kMaxTimeText];
  const size_t length = internal::write_iso_time(value, params.unit, params.utc_suffix, text);
  const bool fits = length <= width;
  put(text, fits ? length : 0);
  return fits ? 0u : uint32_t{SC_ERR_OVERFLOW};
}

HWY_NOINLINE uint32_t WriteBytesOf(const uint8_t* src, size_t width, const TimeTextParams& params,
                                   uint8_t* dst) {
  return WriteOne(src, width, params, [&](const char* text, size_t length) {
    memcpy(dst, text, length);
    memset(dst + length, 0, width - length);
  });
}

HWY_NOINLINE uint32_t WriteUcs4Of(const uint8_t* src, size_t width, const TimeTextParams& params,
                                  uint8_t* dst) {
  return WriteOne(src, width, params, [&](const char* text, size_t length) {
    for (size_t i = 0; i < length; ++i) {
      const auto c = static_cast<uint32_t>(text[i]);
      memcpy(dst + 4 * i, &c, sizeof(c));
    }
    memset(dst + 4 * length, 0, 4 * (width - length));
  });
}

// --- batches -------------------------------------------------------------------------------------

#if STRIDECAST_TIME_TEXT_VECTORS

using DF = hn::Repartition<double, D8>;

// What a run's texts have in common. The first 32 characters are written as two pieces of 16, or of
// 8 where texts are shorter; the second ends with the text or after 32.
struct TextShape {
  bool by_vectors = false;
  size_t piece = 16, second_at = 0;
  // Of each piece: the characters but for digits, which are '0'; where its digits are among those
  // of date and clock, of a fraction in the lower and in the upper half of a block.
  alignas(16) uint8_t fixed[2][16], clock[2][16], rest[2][2][16];
  int64_t lo = 0, hi = 0;  // times of years 0 to 9999
  // A day has day << day_shift times, a second (with a fraction, a tenth of one) has tick.
  uint64_t day = 1, tick = 1;
  int day_shift = 0;
  uint16_t tens_factor = 2559;
};

constexpr uint8_t kNothing = 0x80;  // in place of an index

// Where a character's digit is: a place among date and clock; from 16 on, of the fraction's eight
// after its first one.
HWY_INLINE uint8_t PlaceOf(size_t at, int digits) {
  constexpr uint8_t kPlaces[] = {0, 1, 2, 3,  0,  4, 5,  0,  6, 7, 0,
                                 8, 9, 0, 10, 11, 0, 12, 13, 0, 15};
  if (at <= kPointLength) return kPlaces[at];
  return static_cast<uint8_t>(16 + 8 - digits + static_cast<int>(at - kPointLength));
}

void SetPieces(TextShape& shape, size_t length, size_t width, int digits, bool utc_suffix) {
  const char* const sample = "0000-00-00T00:00:00.000000000";
  const size_t digits_end = length - (utc_suffix ? 1 : 0);
  memset(shape.fixed, 0, sizeof(shape.fixed));
  memset(shape.clock, kNothing, sizeof(shape.clock));
  memset(shape.rest, kNothing, sizeof(shape.rest));
  shape.piece = width < 16 ? 8 : 16;
  shape.second_at = HWY_MIN(width, size_t{32}) - shape.piece;
  for (size_t k = 0; k < 2; ++k) {
    for (size_t i = 0; i < shape.piece; ++i) {
      const size_t at = i + k * shape.second_at;
      if (at >= length) break;
      if (at >= digits_end) {
        shape.fixed[k][i] = 'Z';
        continue;
      }
      shape.fixed[k][i] = static_cast<uint8_t>(sample[at]);
      if (sample[at] != '0') continue;
      const uint8_t place = PlaceOf(at, digits);
      if (place < 16) {
        shape.clock[k][i] = place;
      } else {
        shape.rest[0][k][i] = static_cast<uint8_t>(place - 16);
        shape.rest[1][k][i] = static_cast<uint8_t>(place - 8);
      }
    }
  }
}

HWY_NOINLINE TextShape ShapeOf(size_t width, const TimeTextParams& params) {
  TextShape shape;
  const int digits = DigitsOfVectors(params.unit);
  const size_t length = internal::time_text_length(params.unit, params.utc_suffix);
  if (digits < 0 || length > width || length > 32) return shape;
  shape.by_vectors = true;
  const bool days = params.unit.base == internal::TimeBase::kDay;
  SetPieces(shape, length, width, digits, params.utc_suffix && !days);
  constexpr int64_t kFirstDay = -719528, kEndDay = 2932897;  // 0000-01-01, 10000-01-01
  const uint64_t second = TenTo(digits);
  shape.tick = digits == 0 ? 1 : second / 10;
  shape.day = days ? 1 : second * 86400;
  if (digits == 9) {  // all are
    shape.lo = -INT64_MAX;
    shape.hi = INT64_MAX;
  } else {
    shape.lo = kFirstDay * static_cast<int64_t>(shape.day);
    shape.hi = kEndDay * static_cast<int64_t>(shape.day) - 1;
  }
  for (; !days && shape.day % 2 == 0; ++shape.day_shift) shape.day /= 2;
  return shape;
}

// floor(v / d) for 1 / d as the low 32 bits of 64-bit lanes, with others above. v < 2^51. Half a
// unit more keeps quotients 1 / (2 * d) away from integers, and less than q * 2^-52 + 2^-33 is what
// they are wrong by. The nearest to that are days of nanoseconds, q < 2^20 and d = 1318359375.
HWY_INLINE V64 FloorQuotient(V64 v, hn::Vec<DF> inverse) {
  const DF df;
  const D64 d64;
  constexpr double kTwoTo52 = 4503599627370496.0;
  const V64 magic = hn::BitCast(d64, hn::Set(df, kTwoTo52));
  const auto half_more = hn::Sub(hn::BitCast(df, hn::Or(v, magic)), hn::Set(df, kTwoTo52 - 0.5));
  // Rounding to nearest half a unit lower is rounding down. Half of 2^52 more, because quotients of
  // 0 become negative.
  const auto lower = hn::Sub(hn::Mul(half_more, inverse), hn::Set(df, 0.5));
  return hn::BitCast(d64, hn::Add(lower, hn::Set(df, 1.5 * kTwoTo52)));
}

// floor(v / divisor) where v * ceil(2^shift / divisor) has 64 bits and the excess of that over
// 2^shift, times v, is below 2^shift. v has 32 bits.
template <int kShift, uint64_t kDivisor>
HWY_INLINE V64 ShortQuotient(V64 v) {
  constexpr uint64_t kFactor = ((uint64_t{1} << kShift) + kDivisor - 1) / kDivisor;
  static_assert(kFactor >> 32 == 0);
  return hn::ShiftRight<kShift>(MulLow(v, hn::Set(D64(), kFactor)));
}

HWY_INLINE V64 DaysOf(const TextShape& shape, V64 time, bool clock) {
  const D64 d64;
  if (!clock) return hn::Add(time, hn::Set(d64, static_cast<uint64_t>(kDaysToDayZero)));
  // As unsigned numbers, so that shifts round down; then days from day zero on.
  const V64 positive = hn::Xor(time, hn::Set(d64, uint64_t{1} << 63));
  const uint64_t origin =
      static_cast<uint64_t>(kDaysToDayZero) * shape.day - (uint64_t{1} << (63 - shape.day_shift));
  const V64 parts = hn::Add(hn::ShiftRightSame(positive, shape.day_shift), hn::Set(d64, origin));
  return FloorQuotient(parts, hn::Set(DF(), 1.0 / static_cast<double>(shape.day)));
}

// 64-bit lanes of four fields of 16 bits: the day of a century from March 1st on; the year, 400
// more than it is; minutes; seconds, or tenths of them. And of the rest of a fraction four digits
// each in lanes 0 and 2 of 16 bits.
template <bool kClock, bool kFraction>
HWY_INLINE void SplitTimes(const TextShape& shape, V64 time, V64& four, V64& rest) {
  const D64 d64;
  const V64 days = hn::And(DaysOf(shape, time, kClock), hn::Set(d64, uint64_t{0xFFFFFFFF}));
  const V64 quarters = hn::Or(hn::ShiftLeft<2>(days), hn::Set(d64, uint64_t{3}));
  const V64 century = ShortQuotient<42, 146097>(quarters);
  const V64 of_century = hn::Sub(quarters, MulLow(century, hn::Set(d64, uint64_t{146097})));
  const V64 year_of_century = hn::ShiftRight<32>(
      MulLow(hn::Or(of_century, hn::Set(d64, uint64_t{3})), hn::Set(d64, uint64_t{2939745})));
  const V64 year = hn::Add(MulLow(century, hn::Set(d64, uint64_t{100})), year_of_century);
  four = hn::Or(hn::ShiftRight<2>(of_century), hn::ShiftLeft<16>(year));
  if constexpr (kClock) {
    const uint64_t origin = (static_cast<uint64_t>(kDaysToDayZero) * shape.day) << shape.day_shift;
    V64 clock = hn::Sub(hn::Add(time, hn::Set(d64, origin)),
                        hn::ShiftLeftSame(MulLow(days, hn::Set(d64, shape.day)), shape.day_shift));
    if constexpr (kFraction) {
      const V64 tick = hn::Set(d64, shape.tick);
      const V64 tenths =
          hn::And(FloorQuotient(clock, hn::Set(DF(), 1.0 / static_cast<double>(shape.tick))),
                  hn::Set(d64, uint64_t{0xFFFFFFFF}));
      const V64 fraction = hn::Sub(clock, MulLow(tenths, tick));
      const V64 upper = ShortQuotient<40, 10000>(fraction);
      const V64 lower = hn::Sub(fraction, MulLow(upper, hn::Set(d64, uint64_t{10000})));
      rest = hn::Or(upper, hn::ShiftLeft<32>(lower));
      clock = tenths;
    }
    constexpr uint64_t kMinute = kFraction ? 600 : 60;
    const V64 minutes = ShortQuotient<36, kMinute>(clock);
    const V64 seconds = hn::Sub(clock, MulLow(minutes, hn::Set(d64, kMinute)));
    four = hn::Or(four, hn::Or(hn::ShiftLeft<32>(minutes), hn::ShiftLeft<48>(seconds)));
  }
}

HWY_INLINE V16 Set16(int value) { return hn::Set(D16(), static_cast<uint16_t>(value)); }

// Numbers below 100 as two bytes, the tens first: v * 256 - tens * (10 * 256 - 1). Compilers know
// nothing of the factor, of which they would make shifts.
HWY_INLINE V16 TwoDigits(const TextShape& shape, V16 v) {
  const V16 tens = hn::MulHigh(v, Set16(6554));
  return hn::Sub(hn::ShiftLeft<8>(v), hn::Mul(tens, Set16(shape.tens_factor)));
}

// Field vectors of all texts: YY YY MM DD hh mm ss and the first digit of a fraction.
template <bool kClock, bool kFraction>
HWY_INLINE void FieldsOf(const V64 (&four)[4], V16 (&field)[8]) {
  const D16 d16;
  V16 part[4];
  Transpose4(four[0], four[1], four[2], four[3], part);
  const V16 day_of_century = part[0];
  const V16 march_year = hn::Sub(part[1], Set16(400));
  const V16 year_of_century = hn::Sub(part[1], hn::Mul(By100(part[1]), Set16(100)));
  const V16 day_of_year = hn::Sub(day_of_century, hn::Add(hn::Mul(year_of_century, Set16(365)),
                                                          hn::ShiftRight<2>(year_of_century)));
  // Months from March, 3 to 14: (5 * day + 461) / 153.
  const V16 march_month = hn::ShiftRight<2>(
      hn::MulHigh(hn::Add(hn::Mul(day_of_year, Set16(5)), Set16(461)), Set16(1714)));
  const V16 month_begin = hn::ShiftRight<5>(hn::Sub(hn::Mul(march_month, Set16(979)), Set16(2919)));
  const V16 late = hn::VecFromMask(d16, hn::Max(march_month, Set16(13)) == march_month);
  const V16 year = hn::Sub(march_year, late);
  field[0] = By100(year);
  field[1] = hn::Sub(year, hn::Mul(field[0], Set16(100)));
  field[2] = hn::Sub(march_month, hn::And(late, Set16(12)));
  field[3] = hn::Add(hn::Sub(day_of_year, month_begin), Set16(1));
  field[4] = field[5] = field[6] = field[7] = hn::Zero(d16);
  if constexpr (kClock) {
    field[4] = hn::ShiftRight<5>(hn::MulHigh(part[2], Set16(34953)));  // by 60
    field[5] = hn::Sub(part[2], hn::Mul(field[4], Set16(60)));
    field[6] = part[3];
  }
  if constexpr (kFraction) {
    field[6] = hn::MulHigh(part[3], Set16(6554));
    field[7] = hn::Sub(part[3], hn::Mul(field[6], Set16(10)));
  }
}

// The eight digits of a fraction behind its first one, of two texts in a block.
HWY_INLINE V8 RestDigits(const TextShape& shape, V64 rest) {
  const V16 fours = hn::BitCast(D16(), rest);
  const V16 hundreds = By100(fours);
  const V16 ones = hn::Sub(fours, hn::Mul(hundreds, Set16(100)));
  const V32 pairs =
      hn::Or(hn::BitCast(D32(), hundreds), hn::ShiftLeft<16>(hn::BitCast(D32(), ones)));
  return hn::BitCast(D8(), TwoDigits(shape, hn::BitCast(D16(), pairs)));
}

// kWhole: pieces are of 16 characters, else of 8.
template <bool kWhole>
HWY_INLINE void StorePiece(V8 piece, uint8_t* text, size_t stride) {
  using Block = hn::FixedTag<uint8_t, 16>;
  ForBlocks(piece, text, 2 * stride, [](uint8_t* p, hn::Vec<Block> block) HWY_ATTR {
    if constexpr (kWhole) {
      hn::StoreU(block, Block(), p);
    } else {
      const hn::Half<Block> half;
      hn::StoreU(hn::LowerHalf(half, block), half, p);
    }
  });
}

template <bool kFraction, size_t i, size_t k>
HWY_INLINE V8 PieceOf(const TextShape& shape, V8 clock, const V8 (&rest)[4]) {
  const V8 piece =
      hn::Or(hn::TableLookupBytesOr0(clock, AllBlocks(shape.clock[k])), AllBlocks(shape.fixed[k]));
  if constexpr (!kFraction) return piece;
  // Of every other vector the digits are in the upper halves of blocks.
  return hn::Or(piece, hn::TableLookupBytesOr0(rest[i / 2], AllBlocks(shape.rest[i % 2][k])));
}

template <bool kFraction, bool kWhole, size_t i>
HWY_INLINE void StoreTexts(const TextShape& shape, V16 fields, const V8 (&rest)[4], uint8_t* dst,
                           size_t stride) {
  const V8 clock = hn::BitCast(D8(), TwoDigits(shape, fields));
  uint8_t* const text = dst + BatchStart(i) * stride;
  StorePiece<kWhole>(PieceOf<kFraction, i, 0>(shape, clock, rest), text, stride);
  StorePiece<kWhole>(PieceOf<kFraction, i, 1>(shape, clock, rest), text + shape.second_at, stride);
}

// Vector j of a batch of times.
template <bool kClock, bool kFraction, size_t j>
HWY_INLINE void LoadTimes(const TextShape& shape, const uint8_t* src, V64& four, V8& rest,
                          hn::Vec<hn::RebindToSigned<D64> >& outside) {
  const hn::RebindToSigned<D64> di64;
  const V64 time = hn::BitCast(D64(), hn::LoadU(D8(), src + j * hn::MaxLanes(D8())));
  const auto value = hn::BitCast(di64, time);
  const auto early = value<hn::Set(di64, shape.lo), late = value> hn::Set(di64, shape.hi);
  outside = hn::Or(outside, hn::Or(hn::VecFromMask(di64, early), hn::VecFromMask(di64, late)));
  V64 fours = hn::Zero(D64());
  SplitTimes<kClock, kFraction>(shape, time, four, fours);
  if constexpr (kFraction) rest = RestDigits(shape, fours);
}

// kBatch times, of which those outside lo to hi become nothing sensible; true if there are any.
template <bool kClock, bool kFraction, bool kWhole>
HWY_NOINLINE bool WriteBatch(const TextShape& shape, const uint8_t* src, uint8_t* dst,
                             size_t stride) {
  const hn::RebindToSigned<D64> di64;
  V64 four[4];
  V8 rest[4];
  auto outside = hn::Zero(di64);
  LoadTimes<kClock, kFraction, 0>(shape, src, four[0], rest[0], outside);
  LoadTimes<kClock, kFraction, 1>(shape, src, four[1], rest[1], outside);
  LoadTimes<kClock, kFraction, 2>(shape, src, four[2], rest[2], outside);
  LoadTimes<kClock, kFraction, 3>(shape, src, four[3], rest[3], outside);
  V16 field[8];
  FieldsOf<kClock, kFraction>(four, field);
  Transpose8(field);
  [&]<size_t... i>(std::index_sequence<i...>) HWY_ATTR {
    (StoreTexts<kFraction, kWhole, i>(shape, field[i], rest, dst, stride), ...);
  }
  (std::make_index_sequence<8>());
  return !hn::AllTrue(di64, outside == hn::Zero(di64));
}

// Texts of `width` bytes each.
class Writer {
 public:
  Writer(size_t width, const TimeTextParams& params, size_t count)
      : width_(width), params_(params) {
    if (count >= kWorthwhile) shape_ = ShapeOf(width, params);
  }

  HWY_INLINE uint32_t Write(const uint8_t* src, size_t count, uint8_t* dst) {
    if (!shape_.by_vectors) return Singly(src, count, dst);
    uint32_t errors = 0;
    size_t i = 0;
    for (; i + kBatch <= count; i += kBatch) {
      errors |= Batch(src + i * kTime, kBatch, dst + i * width_, dst + i * width_, width_);
    }
    return i < count ? errors | Few(src + i * kTime, count - i, dst + i * width_) : errors;
  }

 private:
  // Fewer times do not pay for a batch.
  static constexpr size_t kWorthwhile = 4;

  HWY_INLINE uint32_t Singly(const uint8_t* src, size_t count, uint8_t* dst) {
    uint32_t errors = 0;
    for (size_t i = 0; i < count; ++i) {
      errors |= WriteBytesOf(src + i * kTime, width_, params_, dst + i * width_);
    }
    return errors;
  }

  HWY_NOINLINE uint32_t Few(const uint8_t* src, size_t count, uint8_t* dst) {
    const size_t stride = HWY_MIN(width_, size_t{32});
    if (count < kWorthwhile) return Singly(src, count, dst);
    uint8_t times[kBatch * kTime] = {}, texts[kBatch * 32];
    memcpy(times, src, count * kTime);
    return Batch(times, count, dst, texts, stride);
  }

  // To `texts`; then to dst where that is elsewhere.
  HWY_INLINE uint32_t Batch(const uint8_t* src, size_t count, uint8_t* dst, uint8_t* texts,
                            size_t stride) {
    const bool outside = ByShape(src, texts, stride);
    if (texts != dst) {
      for (size_t i = 0; i < count; ++i) memcpy(dst + i * width_, texts + i * stride, stride);
    }
    if (HWY_UNLIKELY(width_ > 32)) {
      for (size_t i = 0; i < count; ++i) memset(dst + i * width_ + 32, 0, width_ - 32);
    }
    return HWY_UNLIKELY(outside) ? WriteOutside(src, count, dst) : 0;
  }

  HWY_INLINE bool ByShape(const uint8_t* src, uint8_t* texts, size_t stride) const {
    if (shape_.tick > 1) return WriteBatch<true, true, true>(shape_, src, texts, stride);
    if (shape_.day > 1) return WriteBatch<true, false, true>(shape_, src, texts, stride);
    if (shape_.piece == 16) return WriteBatch<false, false, true>(shape_, src, texts, stride);
    return WriteBatch<false, false, false>(shape_, src, texts, stride);
  }

  HWY_NOINLINE uint32_t WriteOutside(const uint8_t* src, size_t count, uint8_t* dst) {
    uint32_t errors = 0;
    for (size_t i = 0; i < count; ++i) {
      int64_t value;
      memcpy(&value, src + i * kTime, sizeof(value));
      if (shape_.lo <= value && value <= shape_.hi) continue;
      errors |= WriteBytesOf(src + i * kTime, width_, params_, dst + i * width_);
    }
    return errors;
  }

  const size_t width_;
  const TimeTextParams& params_;
  TextShape shape_;
};

HWY_INLINE void WidenTexts(const uint8_t* src, size_t count, uint8_t* dst) {
  const hn::Rebind<uint8_t, D32> quarter;
  constexpr size_t kLanes = hn::MaxLanes(D32());
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const V32 v = hn::PromoteTo(D32(), hn::LoadU(quarter, src + i));
    hn::StoreU(hn::BitCast(D8(), v), D8(), dst + i * 4);
  }
  for (; i < count; ++i) {
    const uint32_t c = src[i];
    memcpy(dst + i * 4, &c, sizeof(c));
  }
}

#endif  // STRIDECAST_TIME_TEXT_VECTORS

// --- kernels -------------------------------------------------------------------------------------

uint32_t WriteBytes(const sc_run* run) {
  const auto& params = *static_cast<const TimeTextParams*>(run->params);
  const auto* src = static_cast<const uint8_t*>(run->src);
  auto* dst = static_cast<uint8_t*>(run->dst);
  const auto count = static_cast<size_t>(run->n[1]), width = static_cast<size_t>(run->dst_size);
#if STRIDECAST_TIME_TEXT_VECTORS
  return Writer(width, params, count).Write(src, count, dst);
#else
  uint32_t errors = 0;
  for (size_t i = 0; i < count; ++i) {
    errors |= WriteBytesOf(src + i * kTime, width, params, dst + i * width);
  }
  return errors;
#endif
}

uint32_t WriteUcs4(const sc_run* run) {
  const auto& params = *static_cast<const TimeTextParams*>(run->params);
  const auto* src = static_cast<const uint8_t*>(run->src);
  auto* dst = static_cast<uint8_t*>(run->dst);
  const auto count = static_cast<size_t>(run->n[1]);
  const size_t width = static_cast<size_t>(run->dst_size) / 4;
  uint32_t errors = 0;
#if STRIDECAST_TIME_TEXT_VECTORS
  if (width >= kDateLength && width <= kLongText) {
    alignas(64) uint8_t bytes[kChunk];
    const size_t step = kChunk / width / kBatch * kBatch;
    Writer writer(width, params, count);
    for (size_t i = 0; i < count; i += step) {
      const size_t some = HWY_MIN(step, count - i);
      errors |= writer.Write(src + i * kTime, some, bytes);
      WidenTexts(bytes, some * width, dst + i * width * 4);
    }
    return errors;
  }
#endif
  for (size_t i = 0; i < count; ++i) {
    errors |= WriteUcs4Of(src + i * kTime, width, params, dst + i * width * 4);
  }
  return errors;
}

constexpr sc_entry Entry(sc_kernel run, const char* name) {
  return PackedEntry(run, name, SC_ACCESS_PACKED, SC_TRAIT_MAY_FAIL);
}

}  // namespace

void FillWriteTime(KernelTable& table) {
  table.write_time[0] = Entry(WriteBytes, "write time bytes");
  table.write_time[1] = Entry(WriteUcs4, "write time ucs4");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
