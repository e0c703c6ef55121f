// The plan cache behind ops.h: least recently used, thread-safe, keyed by everything that a plan
// depends on. A look-up builds its key on the stack, or only compares it with that of the look-up
// before, and allocates nothing. What is done with the plans is ops.cc and fields.cc.

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstring>
#include <list>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "engine/run.h"
#include "engine/runtime.h"
#include "stridecast/ops.h"

namespace stridecast {
namespace internal {
namespace {

constexpr size_t kCapacity = 512;
// Three layouts with their sizes, strides and suboffsets; the axes of a reduction are fewer.
// Beside two layouts alone there is room for a scaling.
constexpr size_t kMaxKeyWords = 9 + 3 * (4 + 3 * kMaxDims);

Layout layout_of(const LayoutView& view) {
  return Layout::strided(*view.format, {view.shape.begin(), view.shape.end()},
                         {view.strides.begin(), view.strides.end()}, view.offset,
                         {view.suboffsets.begin(), view.suboffsets.end()});
}

// A key is a list of plain words. Formats stand as the identity of their shared bodies, which live
// as long as the cached plan holds its layouts. What has a length says it first, so that no key is
// the beginning of another one. A look-up describes its key word by word to a sink, until add() or
// the end says false.

// A sink that keeps the words.
class Key {
 public:
  bool add(int64_t word) {
    words_[count_++] = word;
    return true;
  }

  std::span<const int64_t> words() const { return {words_.data(), count_}; }

  // Two chains, because a multiplication takes longer than the words take to come: the step is the
  // multiply-xorshift of MurmurHash3's finalizer (Austin Appleby).
  uint64_t hash() const noexcept {
    uint64_t even = 0x9e3779b97f4a7c15u, odd = count_;
    const auto mix = [](uint64_t hash, int64_t word) {
      hash = (hash ^ static_cast<uint64_t>(word)) * 0xff51afd7ed558ccdu;
      return hash ^ (hash >> 32);
    };
    size_t k = 0;
    for (; k + 2 <= count_; k += 2) {
      even = mix(even, words_[k]);
      odd = mix(odd, words_[k + 1]);
    }
    if (k < count_) even = mix(even, words_[k]);
    return mix(even, static_cast<int64_t>(odd));
  }

 private:
  std::array<int64_t, kMaxKeyWords> words_;
  size_t count_ = 0;
};

// A sink that keeps nothing: whether the words are those of a key that was kept. It ends at the
// first word that differs, and so never reads past the kept key's end.
class Comparison {
 public:
  explicit Comparison(const std::vector<int64_t>& words) : next_(words.data()) {}
  bool add(int64_t word) {
    if (*next_++ == word) [[likely]]
      return true;
    return false;
  }

 private:
  const int64_t* next_;
};

class PlanCache {
 public:
  // The plan whose key describe(sink) describes, from the cache or by make().
  template <class Describe, class Make>
  Plan get(const Describe& describe, const Make& make) {
    {
      const std::lock_guard lock(mutex_);
      // The call before this one, more often than not.
      if (!order_.empty()) {
        Comparison comparison(order_.front().words);
        if (describe(comparison)) {
          ++hits_;
          return order_.front().plan;
        }
      }
    }
    return search(describe, make);
  }

  PlanCacheStats stats() {
    const std::lock_guard lock(mutex_);
    return PlanCacheStats{order_.size(), kCapacity, hits_, misses_};
  }

  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }

  void clear() {
    const std::lock_guard lock(mutex_);
    by_hash_.clear();
    order_.clear();
    hits_ = misses_ = 0;
  }

 private:
  struct Entry {
    uint64_t hash;
    std::vector<int64_t> words;
    Plan plan;
  };
  using Order = std::list<Entry>;
  struct Identity {
    size_t operator()(uint64_t hash) const noexcept { return hash; }
  };

  template <class Describe, class Make>
  Plan search(const Describe& describe, const Make& make) {
    Key key;
    describe(key);
    const uint64_t hash = key.hash();
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = find(hash, key.words()); found != order_.end()) {
        ++hits_;
        order_.splice(order_.begin(), order_, found);
        return found->plan;
      }
      ++misses_;
    }
    // Made outside the lock: two threads may make the same plan, the second one is dropped.
    Plan plan = make();
    const std::lock_guard lock(mutex_);
    if (find(hash, key.words()) == order_.end()) insert(hash, key.words(), plan);
    return plan;
  }

  Order::iterator find(uint64_t hash, std::span<const int64_t> words) {
    const auto [begin, end] = by_hash_.equal_range(hash);
    for (auto it = begin; it != end; ++it) {
      if (std::ranges::equal(it->second->words, words)) return it->second;
    }
    return order_.end();
  }

  void insert(uint64_t hash, std::span<const int64_t> words, const Plan& plan) {
    order_.push_front(Entry{hash, {words.begin(), words.end()}, plan});
    try {
      by_hash_.emplace(hash, order_.begin());
    } catch (...) {
      order_.pop_front();
      throw;
    }
    if (order_.size() <= kCapacity) return;
    const auto oldest = std::prev(order_.end());
    const auto [begin, end] = by_hash_.equal_range(oldest->hash);
    by_hash_.erase(
        std::find_if(begin, end, [&](const auto& pair) { return pair.second == oldest; }));
    order_.erase(oldest);
  }

  std::mutex mutex_;
  Order order_;  // most recently used first
  std::unordered_multimap<uint64_t, Order::iterator, Identity> by_hash_;
  size_t hits_ = 0, misses_ = 0;
};

// Never destroyed: threads may still run while the process ends.
PlanCache& cache() {
  static PlanCache& instance = *new PlanCache;
  return instance;
}

enum class Family : int64_t {
  kConvert,
  kMaskedConvert,
  kByteswap,
  kReduce,
  kMaskedReduce,
  kDecode,
  kEncode,
  kDecodeTime,
  kEncodeTime
};

// Apart, because it is not inline.
[[noreturn]] void refuse(const LayoutView& view) {
  layout_of(view);  // has the message
  throw Error(ErrorCode::kInvalidArgument, "a layout's strides or suboffsets are not one an axis");
}

// These are inline, so that a comparison is nothing but comparisons.
[[gnu::always_inline]] inline bool describe_all(auto& sink, std::span<const int64_t> words) {
  for (const int64_t word : words) {
    if (!sink.add(word)) return false;
  }
  return true;
}

[[gnu::always_inline]] inline bool describe(auto& sink, const LayoutView& view) {
  const size_t ndim = view.shape.size();
  if (ndim > kMaxDims || view.strides.size() != ndim ||
      (!view.suboffsets.empty() && view.suboffsets.size() != ndim)) {
    refuse(view);
  }
  return sink.add(reinterpret_cast<int64_t>(view.format->id())) &&
         sink.add(static_cast<int64_t>(ndim) << 1 |
                  static_cast<int64_t>(!view.suboffsets.empty())) &&
         sink.add(view.offset) && describe_all(sink, view.shape) &&
         describe_all(sink, view.strides) && describe_all(sink, view.suboffsets);
}

// What every key begins with.
[[gnu::always_inline]] inline bool describe(auto& sink, Family family, const LayoutView& src,
                                            const LayoutView& dst) {
  return sink.add(static_cast<int64_t>(family)) &&
         sink.add(reinterpret_cast<int64_t>(active_table())) && sink.add(test_chunk_items()) &&
         describe(sink, src) && describe(sink, dst);
}

[[gnu::always_inline]] inline bool describe(auto& sink, const ConvertOptions& options) {
  const int64_t choices =
      static_cast<int64_t>(options.overflow) | static_cast<int64_t>(options.nan) << 8 |
      static_cast<int64_t>(options.fields) << 16 |
      static_cast<int64_t>(options.missing_fields) << 24 |
      static_cast<int64_t>(options.rounding) << 32 | static_cast<int64_t>(options.casting) << 40 |
      static_cast<int64_t>(options.complex_to_real) << 48 |
      static_cast<int64_t>(options.text_errors) << 56 |
      static_cast<int64_t>(options.utc_suffix) << 60;
  return sink.add(choices) && sink.add(options.index_offset) &&
         sink.add(static_cast<int64_t>(options.seed));
}

[[gnu::always_inline]] inline bool describe(auto& sink, const ElementBytes& element) {
  int64_t halves[2];
  std::memcpy(halves, element.bytes.data(), sizeof(halves));
  return sink.add(element.size) && describe_all(sink, halves);
}

[[gnu::always_inline]] inline bool describe(auto& sink, const ReduceOptions& options) {
  const int64_t choices =
      static_cast<int64_t>(options.op) | static_cast<int64_t>(options.algorithm) << 8 |
      static_cast<int64_t>(options.overflow) << 16 | static_cast<int64_t>(options.skipna) << 24 |
      static_cast<int64_t>(options.axes.size()) << 32;
  return sink.add(choices) && sink.add(std::bit_cast<int64_t>(options.ddof)) &&
         describe(sink, options.initial) &&
         std::ranges::all_of(options.axes, [&](int axis) { return sink.add(axis); });
}

// Longer scalings are planned anew: making a plan costs little beside so many parameters.
constexpr size_t kMaxScalingValues = 32, kMaxScalingMissing = 8;

bool fits_key(const Scaling& scaling) {
  return scaling.scale.size() <= kMaxScalingValues && scaling.offset.size() <= kMaxScalingValues &&
         scaling.missing.size() <= kMaxScalingMissing;
}

bool describe(auto& sink, const Scaling& scaling) {
  const auto describe_values = [&](const std::vector<double>& values) {
    return sink.add(static_cast<int64_t>(values.size())) &&
           std::ranges::all_of(
               values, [&](double value) { return sink.add(std::bit_cast<int64_t>(value)); });
  };
  const auto describe_element = [&](const ElementBytes& element) {
    return describe(sink, element);
  };
  return sink.add(static_cast<int64_t>(scaling.compute)) && sink.add(scaling.axis) &&
         describe_values(scaling.scale) && describe_values(scaling.offset) &&
         sink.add(static_cast<int64_t>(scaling.missing.size())) &&
         std::ranges::all_of(scaling.missing, describe_element);
}

Plan cached_epoch(Family family, const LayoutView& src, const LayoutView& dst,
                  const TimeUnits& units, const std::vector<ElementBytes>& missing,
                  const ConvertOptions& options) {
  const auto make = [&] {
    return family == Family::kDecodeTime
               ? Plan::decode_time(layout_of(src), layout_of(dst), units, missing, options)
               : Plan::encode_time(layout_of(src), layout_of(dst), units, missing, options);
  };
  if (missing.size() > kMaxScalingMissing) return make();
  const auto key = [&](auto& sink) {
    return describe(sink, family, src, dst) && describe(sink, options) &&
           sink.add(static_cast<int64_t>(units.step())) && sink.add(units.seconds()) &&
           sink.add(units.attoseconds()) && sink.add(static_cast<int64_t>(missing.size())) &&
           std::ranges::all_of(
               missing, [&](const ElementBytes& element) { return describe(sink, element); });
  };
  return cache().get(key, make);
}

Plan cached_scaling(Family family, const LayoutView& src, const LayoutView& dst,
                    const Scaling& scaling, const ConvertOptions& options) {
  const auto make = [&] {
    return family == Family::kDecode
               ? Plan::decode(layout_of(src), layout_of(dst), scaling, options)
               : Plan::encode(layout_of(src), layout_of(dst), scaling, options);
  };
  if (!fits_key(scaling)) return make();
  const auto key = [&](auto& sink) {
    return describe(sink, family, src, dst) && describe(sink, options) && describe(sink, scaling);
  };
  return cache().get(key, make);
}

}  // namespace

void lock_plan_cache() { cache().lock(); }
void unlock_plan_cache() { cache().unlock(); }

}  // namespace internal

inline namespace v0 {

Plan cached_convert(const LayoutView& src, const LayoutView& dst, const ConvertOptions& options) {
  using namespace internal;
  const auto key = [&](auto& sink) {
    return describe(sink, Family::kConvert, src, dst) && describe(sink, options);
  };
  return cache().get(key, [&] { return Plan::convert(layout_of(src), layout_of(dst), options); });
}

Plan cached_convert(const LayoutView& src, const LayoutView& dst, const LayoutView& where,
                    const ConvertOptions& options) {
  using namespace internal;
  const auto key = [&](auto& sink) {
    return describe(sink, Family::kMaskedConvert, src, dst) && describe(sink, where) &&
           describe(sink, options);
  };
  return cache().get(key, [&] {
    return Plan::convert(layout_of(src), layout_of(dst), layout_of(where), options);
  });
}

Plan cached_byteswap(const LayoutView& src, const LayoutView& dst) {
  using namespace internal;
  const auto key = [&](auto& sink) { return describe(sink, Family::kByteswap, src, dst); };
  return cache().get(key, [&] { return Plan::byteswap(layout_of(src), layout_of(dst)); });
}

Plan cached_decode(const LayoutView& src, const LayoutView& dst, const Scaling& scaling,
                   const ConvertOptions& options) {
  return internal::cached_scaling(internal::Family::kDecode, src, dst, scaling, options);
}

Plan cached_encode(const LayoutView& src, const LayoutView& dst, const Scaling& scaling,
                   const ConvertOptions& options) {
  return internal::cached_scaling(internal::Family::kEncode, src, dst, scaling, options);
}

Plan cached_decode_time(const LayoutView& src, const LayoutView& dst, const TimeUnits& units,
                        const std::vector<ElementBytes>& missing, const ConvertOptions& options) {
  return internal::cached_epoch(internal::Family::kDecodeTime, src, dst, units, missing, options);
}

Plan cached_encode_time(const LayoutView& src, const LayoutView& dst, const TimeUnits& units,
                        const std::vector<ElementBytes>& missing, const ConvertOptions& options) {
  return internal::cached_epoch(internal::Family::kEncodeTime, src, dst, units, missing, options);
}

Plan cached_reduce(const LayoutView& src, const LayoutView& dst, const ReduceOptions& options) {
  using namespace internal;
  const auto make = [&] { return Plan::reduce(layout_of(src), layout_of(dst), options); };
  if (options.axes.size() > kMaxDims) return make();
  const auto key = [&](auto& sink) {
    return describe(sink, Family::kReduce, src, dst) && describe(sink, options);
  };
  return cache().get(key, make);
}

Plan cached_reduce(const LayoutView& src, const LayoutView& dst, const LayoutView& where,
                   const ReduceOptions& options) {
  using namespace internal;
  const auto make = [&] {
    return Plan::reduce(layout_of(src), layout_of(dst), layout_of(where), options);
  };
  if (options.axes.size() > kMaxDims) return make();
  const auto key = [&](auto& sink) {
    return describe(sink, Family::kMaskedReduce, src, dst) && describe(sink, where) &&
           describe(sink, options);
  };
  return cache().get(key, make);
}

PlanCacheStats plan_cache_stats() { return internal::cache().stats(); }
void clear_plan_cache() { internal::cache().clear(); }

}  // namespace v0
}  // namespace stridecast
