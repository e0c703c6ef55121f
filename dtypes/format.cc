// Format: the value that the parser's trees become. Bodies are interned by canonical text and
// itemsize, so that equality is a pointer comparison; a small cache in front maps texts as written
// to bodies, so that a text seen before is not parsed again.

#include "stridecast/format.h"

#include <array>
#include <functional>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "dtypes/format_impl.h"
#include "dtypes/format_parser.h"
#include "dtypes/format_printer.h"
#include "dtypes/type_registry.h"

namespace stridecast {
namespace internal {
namespace {

using Body = Format::Impl;

size_t hash_of(std::string_view text, int64_t itemsize) noexcept {
  return std::hash<std::string_view>()(text) ^
         (static_cast<size_t>(itemsize) * size_t{0x9E3779B97F4A7C15});
}

// What is known of the custom types in a text, as a number: types can become known, or known
// better, between two texts that read alike.
int64_t known_types(const std::vector<Field>& fields) noexcept {
  uint64_t known = 0;
  const auto add = [&](uint64_t value) {
    known = (known ^ value) * uint64_t{0x9E3779B97F4A7C15};
    known ^= known >> 32;
  };
  for (const Field& field : fields) {
    if (field.custom) {
      add(static_cast<uint64_t>(field.type) + 1);
      add(static_cast<uint64_t>(field.swap_unit) + 1);
      add(static_cast<uint64_t>(field.itemsize) + 1);
    }
    if (!field.fields.empty()) add(static_cast<uint64_t>(known_types(field.fields)));
  }
  return static_cast<int64_t>(known);
}

// All living bodies. The table keeps none alive: a body leaves it as it dies. It is never destroyed
// itself, so that formats in static storage may outlive everything else.
class InternTable {
 public:
  static InternTable& instance() {
    static InternTable& table = *new InternTable;
    return table;
  }

  // The living body equal to this one, or a new body. Most texts that come here are new.
  std::shared_ptr<const Body> intern(std::string text, ParseTree tree) {
    const size_t hash = hash_of(text, tree.itemsize);
    const int64_t known = known_types(tree.fields);
    std::shared_ptr<Body> fresh;  // before the lock: it may die only after the mutex is free
    const std::lock_guard<std::mutex> lock(mutex_);
    if (std::shared_ptr<const Body> living = find(hash, text, tree.itemsize, known)) return living;
    fresh = std::make_shared<Body>();
    fresh->text = std::move(text);
    fresh->hash = hash;
    fresh->itemsize = tree.itemsize;
    fresh->alignment = tree.alignment;
    fresh->fields = std::move(tree.fields);
    fresh->known_types = known;
    bodies_.emplace(hash, Entry{fresh.get(), fresh});
    return fresh;
  }

  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }

  void remove(const Body* body) noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto [first, last] = bodies_.equal_range(body->hash);
    for (auto it = first; it != last; ++it) {
      if (it->second.address == body) {
        bodies_.erase(it);
        return;
      }
    }
  }

 private:
  struct Entry {
    const Body* address;
    std::weak_ptr<const Body> body;
  };

  // Requires the lock.
  std::shared_ptr<const Body> find(size_t hash, const std::string& text, int64_t itemsize,
                                   int64_t known) const {
    const auto [first, last] = bodies_.equal_range(hash);
    for (auto it = first; it != last; ++it) {
      // A dying body waits for the mutex in its destructor: its text is still there.
      const Body& body = *it->second.address;
      const bool equal =
          body.itemsize == itemsize && body.known_types == known && body.text == text;
      if (!equal) continue;
      if (std::shared_ptr<const Body> living = it->second.body.lock()) return living;
    }
    return nullptr;
  }

  std::mutex mutex_;
  std::unordered_multimap<size_t, Entry> bodies_;
};

// What the last texts were parsed to: one slot a hash value, the newest stays. Slots share a few
// mutexes, so that threads rarely meet. Long texts are not kept: they bound the memory that texts
// from outside can take, and parsing them is not the hot path.
class TextCache {
 public:
  static TextCache& instance() {
    static TextCache& cache = *new TextCache;
    return cache;
  }

  struct Key {
    std::string_view text;
    std::optional<int64_t> itemsize;
    bool exact_size;
    size_t hash;
  };

  static Key make_key(std::string_view text, std::optional<int64_t> itemsize, bool exact_size) {
    const size_t hash = hash_of(text, itemsize.value_or(-1)) + (exact_size ? 1 : 0);
    return {text, itemsize, exact_size, hash ^ (hash >> 32)};
  }

  void lock() {
    for (std::mutex& mutex : mutexes_) mutex.lock();
  }
  void unlock() {
    for (std::mutex& mutex : mutexes_) mutex.unlock();
  }

  std::shared_ptr<const Body> find(const Key& key) {
    if (key.text.size() > kMaxText) return nullptr;
    const std::lock_guard<std::mutex> lock(mutex_of(key));
    const Slot& slot = slot_of(key);
    const bool hit = slot.body && slot.hash == key.hash && slot.itemsize == key.itemsize &&
                     slot.exact_size == key.exact_size && slot.text == key.text &&
                     slot.generation == registry_generation();
    return hit ? slot.body : nullptr;
  }

  // `generation`: of the registry, before the text was parsed.
  void store(const Key& key, std::shared_ptr<const Body> body, uint64_t generation) {
    if (key.text.size() > kMaxText) return;
    std::string text(key.text);
    {
      const std::lock_guard<std::mutex> lock(mutex_of(key));
      Slot& slot = slot_of(key);
      slot.text.swap(text);
      slot.body.swap(body);
      slot.itemsize = key.itemsize;
      slot.exact_size = key.exact_size;
      slot.hash = key.hash;
      slot.generation = generation;
    }
    // The body that had the slot dies here, outside the lock.
  }

 private:
  static constexpr size_t kMaxText = 256;
  static constexpr size_t kSlots = 256;
  static constexpr size_t kMutexes = 16;

  struct Slot {
    std::string text;
    std::shared_ptr<const Body> body;
    std::optional<int64_t> itemsize;
    size_t hash = 0;
    uint64_t generation = 0;
    bool exact_size = false;
  };

  Slot& slot_of(const Key& key) { return slots_[key.hash % kSlots]; }
  std::mutex& mutex_of(const Key& key) { return mutexes_[key.hash % kMutexes]; }

  std::array<Slot, kSlots> slots_;
  std::array<std::mutex, kMutexes> mutexes_;
};

}  // namespace

// In one order everywhere.
void lock_format_tables() {
  lock_type_registry();
  TextCache::instance().lock();
  InternTable::instance().lock();
}

void unlock_format_tables() {
  InternTable::instance().unlock();
  unlock_type_registry();
  TextCache::instance().unlock();
}

std::shared_ptr<const Format::Impl> make_body(ParseTree tree) {
  canonicalise(&tree);
  std::string text = print_format(tree);
  if (static_cast<int64_t>(text.size()) > kMaxTextBytes) {
    throw Error(ErrorCode::kFormat, "too-long", 0,
                "the canonical form of the format is longer than 1 MiB; use sub-arrays");
  }
  return InternTable::instance().intern(std::move(text), std::move(tree));
}

Format format_of_field(const Field& field) {
  if (is_arithmetic(field.type) && !field.custom) {
    return Format::of(field.type, field.order);  // a text seen before
  }
  // Padding has no field of its own where it has no name.
  if (field.type == DType::kOpaque && !field.custom) return Format(make_body({{}, field.itemsize}));
  Field element = field;
  element.name.clear();
  element.has_name = false;
  element.offset = 0;
  element.shape.clear();
  return Format(make_body(ParseTree{{std::move(element)}, field.itemsize}));
}

}  // namespace internal

inline namespace v0 {

Format::Impl::~Impl() { internal::InternTable::instance().remove(this); }

Format Format::parse(std::string_view text, std::optional<int64_t> itemsize, bool exact_size) {
  internal::TextCache& cache = internal::TextCache::instance();
  const internal::TextCache::Key key = cache.make_key(text, itemsize, exact_size);
  std::shared_ptr<const Impl> body = cache.find(key);
  if (!body) {
    const uint64_t generation = internal::registry_generation();
    body = internal::make_body(internal::parse_format(text, itemsize, exact_size));
    cache.store(key, body, generation);
  }
  return Format(std::move(body));
}

Format Format::of(DType type, ByteOrder order) {
  const TypeFacts& facts = type_facts(type);
  if (facts.code[0] == '\0' || facts.size == 0) {
    throw Error(ErrorCode::kInvalidArgument,
                std::string("Format::of: ") + facts.name +
                    " needs a format text: its size or parameter is not in the type");
  }
  std::string text;
  if (facts.swap_unit > 1 && order != ByteOrder::kNone && order != kHostOrder) {
    text = order == ByteOrder::kLittle ? "<" : ">";
  }
  text += facts.code;
  return parse(text);
}

const std::string& Format::text() const noexcept { return impl_->text; }
int64_t Format::itemsize() const noexcept { return impl_->itemsize; }
int64_t Format::alignment() const noexcept { return impl_->alignment; }
const std::vector<Field>& Format::fields() const noexcept { return impl_->fields; }

const Field* Format::scalar() const noexcept {
  if (impl_->fields.size() != 1) return nullptr;
  const Field& field = impl_->fields[0];
  const bool is_scalar = field.type != DType::kStruct && !field.has_name && field.shape.empty() &&
                         field.offset == 0 && field.itemsize == impl_->itemsize;
  return is_scalar ? &field : nullptr;
}

}  // namespace v0
}  // namespace stridecast
