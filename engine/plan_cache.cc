// The plan cache behind ops.h: least recently used, thread-safe, keyed by everything that a plan
// depends on. A look-up builds its key on the stack and allocates nothing. What is done with the
// plans is ops.cc and fields.cc.

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

// A key: plain words, compared whole. Formats stand as the identity of their shared bodies, which
// live as long as the cached plan holds its layouts.
class Key {
 public:
  void add(int64_t word) { words_[count_++] = word; }
  // One by one: most spans hold one word, which a call of memmove takes longer than.
  void add(std::span<const int64_t> words) {
    for (int64_t word : words) add(word);
  }
  void add(const LayoutView& view) {
    const size_t ndim = view.shape.size();
    if (ndim > kMaxDims || view.strides.size() != ndim ||
        (!view.suboffsets.empty() && view.suboffsets.size() != ndim)) {
      layout_of(view);  // has the message
    }
    add(reinterpret_cast<int64_t>(view.format->id()));
    add(static_cast<int64_t>(ndim) << 1 | static_cast<int64_t>(!view.suboffsets.empty()));
    add(view.offset);
    add(view.shape);
    add(view.strides);
    add(view.suboffsets);
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

class PlanCache {
 public:
  template <class Make>
  Plan get(const Key& key, Make&& make) {
    uint64_t hash;
    {
      const std::lock_guard lock(mutex_);
      // The call before this one, more often than not: comparing takes less time than hashing.
      if (!order_.empty() && std::ranges::equal(order_.front().words, key.words())) {
        ++hits_;
        return order_.front().plan;
      }
      hash = key.hash();
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

enum class Family : int64_t { kConvert, kMaskedConvert, kByteswap, kReduce, kDecode, kEncode };

Key make_key(Family family, const LayoutView& src, const LayoutView& dst) {
  Key key;
  key.add(static_cast<int64_t>(family));
  key.add(reinterpret_cast<int64_t>(active_table()));
  key.add(test_chunk_items());
  key.add(src);
  key.add(dst);
  return key;
}

void add_options(Key& key, const ConvertOptions& options) {
  key.add(static_cast<int64_t>(options.overflow) | static_cast<int64_t>(options.nan) << 8 |
          static_cast<int64_t>(options.fields) << 16 |
          static_cast<int64_t>(options.missing_fields) << 24 |
          static_cast<int64_t>(options.rounding) << 32 |
          static_cast<int64_t>(options.casting) << 40 |
          static_cast<int64_t>(options.complex_to_real) << 48);
  key.add(options.index_offset);
  key.add(static_cast<int64_t>(options.seed));
}

// Longer scalings are planned anew: making a plan costs little beside so many parameters.
constexpr size_t kMaxScalingValues = 32, kMaxScalingMissing = 8;

bool fits_key(const Scaling& scaling) {
  return scaling.scale.size() <= kMaxScalingValues && scaling.offset.size() <= kMaxScalingValues &&
         scaling.missing.size() <= kMaxScalingMissing;
}

void add_scaling(Key& key, const Scaling& scaling, const ConvertOptions& options) {
  add_options(key, options);
  key.add(static_cast<int64_t>(options.rounding) | static_cast<int64_t>(options.casting) << 8 |
          static_cast<int64_t>(scaling.compute) << 16);
  key.add(static_cast<int64_t>(options.seed));
  key.add(scaling.axis);
  for (const std::vector<double>* values : {&scaling.scale, &scaling.offset}) {
    key.add(static_cast<int64_t>(values->size()));
    for (const double value : *values) key.add(std::bit_cast<int64_t>(value));
  }
  for (const ElementBytes& element : scaling.missing) {
    int64_t halves[2];
    std::memcpy(halves, element.bytes.data(), sizeof(halves));
    key.add(element.size);
    key.add(halves);
  }
}

Plan cached_scaling(Family family, const LayoutView& src, const LayoutView& dst,
                    const Scaling& scaling, const ConvertOptions& options) {
  const auto make = [&] {
    return family == Family::kDecode
               ? Plan::decode(layout_of(src), layout_of(dst), scaling, options)
               : Plan::encode(layout_of(src), layout_of(dst), scaling, options);
  };
  if (!fits_key(scaling)) return make();
  Key key = make_key(family, src, dst);
  add_scaling(key, scaling, options);
  return cache().get(key, make);
}

}  // namespace

void lock_plan_cache() { cache().lock(); }
void unlock_plan_cache() { cache().unlock(); }

}  // namespace internal

inline namespace v0 {

Plan cached_convert(const LayoutView& src, const LayoutView& dst, const ConvertOptions& options) {
  using namespace internal;
  Key key = make_key(Family::kConvert, src, dst);
  add_options(key, options);
  return cache().get(key, [&] { return Plan::convert(layout_of(src), layout_of(dst), options); });
}

Plan cached_convert(const LayoutView& src, const LayoutView& dst, const LayoutView& where,
                    const ConvertOptions& options) {
  using namespace internal;
  Key key = make_key(Family::kMaskedConvert, src, dst);
  key.add(where);
  add_options(key, options);
  return cache().get(key, [&] {
    return Plan::convert(layout_of(src), layout_of(dst), layout_of(where), options);
  });
}

Plan cached_byteswap(const LayoutView& src, const LayoutView& dst) {
  using namespace internal;
  const Key key = make_key(Family::kByteswap, src, dst);
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

Plan cached_reduce(const LayoutView& src, const LayoutView& dst, const ReduceOptions& options) {
  using namespace internal;
  if (options.axes.size() > kMaxDims) return Plan::reduce(layout_of(src), layout_of(dst), options);
  Key key = make_key(Family::kReduce, src, dst);
  key.add(static_cast<int64_t>(options.op));
  for (int axis : options.axes) key.add(axis);
  return cache().get(key, [&] { return Plan::reduce(layout_of(src), layout_of(dst), options); });
}

PlanCacheStats plan_cache_stats() { return internal::cache().stats(); }
void clear_plan_cache() { internal::cache().clear(); }

}  // namespace v0
}  // namespace stridecast
