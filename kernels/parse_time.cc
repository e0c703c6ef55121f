// ISO 8601 texts to times. What most texts of an array look like goes in batches by vectors:
// `YYYY-MM-DD`, `YYYY-MM-DDThh:mm`, `YYYY-MM-DDThh:mm:ss` and the same with 3, 6 or 9 digits of a
// fraction, a 'Z' or none, and NULs behind. The first text tells which; one of a batch that looks
// otherwise, or has a field out of range, is left to parse_iso_time (dtypes/iso_time.h), which
// reads all others.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/parse_time.cc"
#include <cstring>

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/packed_entry.h"
#include "kernels/parse_time-inl.h"
#include "kernels/targets.h"
#include "kernels/time_text-inl.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

using internal::IsoTime;
using internal::TimeTextStatus;

constexpr size_t kTime = sizeof(int64_t);

// --- one text ------------------------------------------------------------------------------------

HWY_NOINLINE uint32_t StoreTime(const IsoTime& time, const TimeTextParams& params, uint8_t* dst) {
  int64_t value = INT64_MIN;
  uint32_t errors = 0;
  if (time.status == TimeTextStatus::kError) {
    errors = params.errors_are_nat ? 0u : uint32_t{SC_ERR_TEXT};
  } else if (time.status == TimeTextStatus::kOk) {
    const auto fits = internal::time_from_fields(time, params.unit);
    if (fits) {
      value = *fits;
    } else if (params.rule == TimeRule::kRaise) {
      errors = SC_ERR_OVERFLOW;
    } else if (params.rule == TimeRule::kSaturate) {
      value = time.days < 0 ? -INT64_MAX : INT64_MAX;
    }
  }
  memcpy(dst, &value, sizeof(value));
  return errors;
}

HWY_INLINE uint32_t ParseOne(const uint8_t* text, size_t width, const TimeTextParams& params,
                             uint8_t* dst) {
  return StoreTime(internal::parse_iso_time(text, width), params, dst);
}

// --- many texts ----------------------------------------------------------------------------------

#if STRIDECAST_TIME_TEXT_VECTORS

// Texts of `width` bytes each.
class Parser {
 public:
  Parser(size_t width, const TimeTextParams& params)
      : width_(width), reach_(width > 16 ? 32 : 16), params_(params) {}

  // `slack`: so many bytes behind the texts may be read.
  HWY_INLINE uint32_t Parse(const uint8_t* src, size_t count, size_t slack, uint8_t* dst) {
    uint32_t errors = 0;
    if (count < kWorthwhile || DigitsOfParsing(params_.unit) < 0 || width_ < kDateLength) {
      return Singly(src, count, dst);
    }
    // The last text may be read up to its reach.
    const size_t beyond = reach_ > width_ ? reach_ - width_ : 0;
    const size_t last = beyond > slack ? (beyond - slack + width_ - 1) / width_ : 0;
    size_t i = 0;
    for (; i + kBatch + last <= count; i += kBatch) {
      errors |= Batch(src + i * width_, width_, src + i * width_, kBatch, dst + i * kTime);
    }
    while (i < count) {  // through a copy
      const size_t rest = HWY_MIN(count - i, kBatch);
      errors |= Copied(src + i * width_, rest, dst + i * kTime);
      i += rest;
    }
    return errors;
  }

 private:
  // Fewer texts do not pay for learning their form.
  static constexpr size_t kWorthwhile = 4;

  HWY_INLINE uint32_t Singly(const uint8_t* src, size_t count, uint8_t* dst) {
    uint32_t errors = 0;
    for (size_t i = 0; i < count; ++i) {
      errors |= ParseOne(src + i * width_, width_, params_, dst + i * kTime);
    }
    return errors;
  }

  HWY_NOINLINE uint32_t Copied(const uint8_t* src, size_t count, uint8_t* dst) {
    alignas(64) uint8_t texts[(kBatch + 1) * 32];
    uint8_t times[kBatch * kTime];
    const size_t stride = HWY_MIN(width_, size_t{32});
    if (width_ <= 32) {
      memcpy(texts, src, count * width_);
      memset(texts + count * width_, 0, sizeof(texts) - count * width_);
    } else {
      for (size_t i = 0; i < count; ++i) memcpy(texts + i * 32, src + i * width_, 32);
      memset(texts + count * 32, 0, sizeof(texts) - count * 32);
    }
    const uint32_t errors = Batch(texts, stride, src, count, times);
    memcpy(dst, times, count * kTime);
    return errors;
  }

  // `texts` is where the beginnings of kBatch texts are, of which the first `count` are in src.
  HWY_INLINE uint32_t Batch(const uint8_t* texts, size_t stride, const uint8_t* src, size_t count,
                            uint8_t* dst) {
    if (HWY_UNLIKELY(!form_.known)) {
      form_ = FormOf(src, width_, params_.unit);
      if (!form_.known) return Singly(src, count, dst);
    }
    uint32_t bad = ByForm(texts, stride, dst);
    if (HWY_UNLIKELY(width_ > 32)) bad |= WithTail(src, count);
    return HWY_LIKELY(bad == 0) ? 0 : ParseBad(bad, src, count, dst);
  }

  HWY_INLINE uint32_t ByForm(const uint8_t* texts, size_t stride, uint8_t* dst) const {
    if (form_.fraction) return ParseBatch<true, true, true>(form_, texts, stride, dst);
    if (reach_ > 16) {
      return form_.clock ? ParseBatch<true, true, false>(form_, texts, stride, dst)
                         : ParseBatch<true, false, false>(form_, texts, stride, dst);
    }
    return form_.clock ? ParseBatch<false, true, false>(form_, texts, stride, dst)
                       : ParseBatch<false, false, false>(form_, texts, stride, dst);
  }

  // Which texts have more than NULs behind their first 32 characters.
  HWY_NOINLINE uint32_t WithTail(const uint8_t* src, size_t count) const {
    uint32_t bad = 0;
    for (size_t i = 0; i < count; ++i) {
      const uint8_t* const text = src + i * width_;
      uint64_t any = 0, eight;
      size_t at = 32;
      for (; at + sizeof(eight) <= width_; at += sizeof(eight)) {
        memcpy(&eight, text + at, sizeof(eight));
        any |= eight;
      }
      for (; at < width_; ++at) any |= text[at];
      if (any != 0) bad |= uint32_t{1} << i;
    }
    return bad;
  }

  HWY_NOINLINE uint32_t ParseBad(uint32_t bad, const uint8_t* src, size_t count, uint8_t* dst) {
    if (count < kBatch) bad &= (uint32_t{1} << count) - 1;
    const bool most = hwy::PopCount(bad) > count / 2;
    uint32_t errors = 0;
    size_t i = 0;
    for (; bad != 0; bad &= bad - 1) {
      i = hwy::Num0BitsBelowLS1Bit_Nonzero32(bad);
      errors |= ParseOne(src + i * width_, width_, params_, dst + i * kTime);
    }
    // Where most texts look otherwise, so may the next ones.
    if (most) form_ = FormOf(src + i * width_, width_, params_.unit);
    return errors;
  }

  const size_t width_, reach_;
  const TimeTextParams& params_;
  Form form_;
};

// UCS-4 to bytes; what is no ASCII becomes a byte that is none either.
HWY_INLINE void NarrowTexts(const uint8_t* src, size_t count, uint8_t* dst) {
  const D32 d32;
  const D8 d8;
  constexpr size_t kLanes = hn::MaxLanes(d32);
  const V32 none = hn::Set(d32, uint32_t{0xFF});
  size_t i = 0;
  const auto load = [&](size_t at) HWY_ATTR {
    return hn::Min(hn::BitCast(d32, hn::LoadU(d8, src + at * 4)), none);
  };
  for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
    const V32 v0 = load(i), v1 = load(i + kLanes);
    const V32 v2 = load(i + 2 * kLanes), v3 = load(i + 3 * kLanes);
    hn::StoreU(PackLowBytes(d8, v0, v1, v2, v3), d8, dst + i);
  }
  for (; i < count; ++i) {
    uint32_t c;
    memcpy(&c, src + i * 4, sizeof(c));
    dst[i] = static_cast<uint8_t>(HWY_MIN(c, uint32_t{0xFF}));
  }
}

#endif  // STRIDECAST_TIME_TEXT_VECTORS

// --- kernels -------------------------------------------------------------------------------------

uint32_t ParseBytes(const sc_run* run) {
  const auto& params = *static_cast<const TimeTextParams*>(run->params);
  const auto* src = static_cast<const uint8_t*>(run->src);
  auto* dst = static_cast<uint8_t*>(run->dst);
  const auto count = static_cast<size_t>(run->n[1]), width = static_cast<size_t>(run->src_size);
#if STRIDECAST_TIME_TEXT_VECTORS
  return Parser(width, params).Parse(src, count, 0, dst);
#else
  uint32_t errors = 0;
  for (size_t i = 0; i < count; ++i)
    errors |= ParseOne(src + i * width, width, params, dst + i * kTime);
  return errors;
#endif
}

uint32_t ParseUcs4(const sc_run* run) {
  const auto& params = *static_cast<const TimeTextParams*>(run->params);
  const auto* src = static_cast<const uint8_t*>(run->src);
  auto* dst = static_cast<uint8_t*>(run->dst);
  const auto count = static_cast<size_t>(run->n[1]);
  const size_t width = static_cast<size_t>(run->src_size) / 4;
  uint32_t errors = 0;
#if STRIDECAST_TIME_TEXT_VECTORS
  if (width >= kDateLength && width <= kLongText) {
    constexpr size_t kSlack = 32;
    alignas(64) uint8_t bytes[kChunk + kSlack];
    memset(bytes + kChunk, 0, kSlack);
    const size_t step = kChunk / width / kBatch * kBatch;
    Parser parser(width, params);
    for (size_t i = 0; i < count; i += step) {
      const size_t some = HWY_MIN(step, count - i);
      NarrowTexts(src + i * width * 4, some * width, bytes);
      errors |= parser.Parse(bytes, some, kSlack, dst + i * kTime);
    }
    return errors;
  }
#endif
  for (size_t i = 0; i < count; ++i) {
    const IsoTime time = internal::parse_iso_time_ucs4(src + i * width * 4, width);
    errors |= StoreTime(time, params, dst + i * kTime);
  }
  return errors;
}

constexpr sc_entry Entry(sc_kernel run, const char* name) {
  return PackedEntry(run, name, SC_ACCESS_PACKED, SC_TRAIT_MAY_FAIL);
}

}  // namespace

void FillParseTime(KernelTable& table) {
  table.parse_time[0] = Entry(ParseBytes, "parse time bytes");
  table.parse_time[1] = Entry(ParseUcs4, "parse time ucs4");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
