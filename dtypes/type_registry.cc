// Registered types, see type_registry.h: the checks of a registration, and the table.

#include "dtypes/type_registry.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>
#include <utility>

#include "dtypes/custom_syntax.h"
#include "dtypes/format_impl.h"
#include "stridecast/error.h"

namespace stridecast {
namespace internal {
namespace {

std::string full_name(std::string_view module, std::string_view qualname) {
  return std::string(module) + "." + std::string(qualname);
}

[[noreturn]] void refuse(const TypeRegistration& type, const std::string& reason) {
  throw Error(ErrorCode::kInvalidArgument,
              "type '" + full_name(type.module, type.qualname) + "': " + reason);
}

bool same_layout(const TypeLayout& a, const TypeLayout& b) {
  return std::tie(a.param, a.storage, a.size, a.alignment, a.swap_unit) ==
         std::tie(b.param, b.storage, b.size, b.alignment, b.swap_unit);
}

bool same_facts(const TypeRegistration& a, const TypeRegistration& b) {
  return same_layout(a.layout, b.layout) && a.read_param == b.read_param &&
         a.context == b.context && a.conversions == b.conversions;
}

bool is_reference(DType type) { return type == DType::kPointer || type == DType::kObject; }

// Elements that follow a byte order mark must be in the host's: the mark of the custom type is
// theirs.
bool is_storable(const std::vector<Field>& fields) {
  return std::all_of(fields.begin(), fields.end(), [](const Field& field) {
    const bool swapped = field.order != ByteOrder::kNone && field.order != kHostOrder;
    return !swapped && !is_reference(field.type) && is_storable(field.fields);
  });
}

// The one field of a storage, whose place the custom type takes; null if it cannot.
const Field* storage_field(const Format& format) {
  const std::vector<Field>& fields = format.fields();
  const bool fits = fields.size() == 1 && !fields[0].has_name && fields[0].shape.empty() &&
                    fields[0].itemsize == format.itemsize() && is_storable(fields);
  const bool known = fits && format.itemsize() > 0 && !fields[0].custom.has_value() &&
                     fields[0].type != DType::kOpaque;
  return known ? &fields[0] : nullptr;
}

constexpr const char* kStorageRule =
    "must be one code or one T{...} in the host's byte order, of at least a byte and without "
    "pointers or objects; sub-arrays and custom types go into a struct, as T{(4)d:q:}";

bool is_sound(const TypeLayout& layout) {
  return layout.size > 0 && layout.alignment > 0 && layout.alignment <= 4096 &&
         std::has_single_bit(static_cast<uint64_t>(layout.alignment)) && layout.swap_unit > 0 &&
         layout.swap_unit <= layout.size && layout.size % layout.swap_unit == 0;
}

constexpr const char* kLayoutRule =
    "needs a storage, or a size of at least a byte, an alignment that is a power of two and at "
    "most "
    "4096, and a swap unit that divides the size";

// How deep storages that name types with storages may nest. Registered ones cannot go in circles,
// but what readers of parameters say can.
constexpr int kMaxStorageDepth = 16;
thread_local int storage_depth = 0;

struct StorageDepth {
  StorageDepth() { ++storage_depth; }
  ~StorageDepth() { --storage_depth; }
};

bool fill_from_storage(const TypeLayout& layout, CustomFacts* facts) {
  const StorageDepth depth;
  if (storage_depth > kMaxStorageDepth) return false;
  const Format format = Format::parse(layout.storage);
  const Field* field = storage_field(format);
  if (field == nullptr) return false;
  facts->type = field->type;
  facts->size = field->itemsize;
  facts->alignment = field->alignment;
  facts->swap_unit = field->swap_unit;
  facts->fields = field->fields;
  return true;
}

// False if the layout makes no sense, which a type's own reader of parameters may have made.
bool fill(const TypeLayout& layout, CustomFacts* facts) {
  facts->param = layout.param;
  if (!layout.storage.empty()) return fill_from_storage(layout, facts);
  if (!is_sound(layout)) return false;
  facts->type = DType::kOpaque;
  facts->size = layout.size;
  facts->alignment = layout.alignment;
  facts->swap_unit = layout.swap_unit;
  facts->fields.clear();
  return true;
}

void check_names(const TypeRegistration& type) {
  std::string text;
  append_custom({type.module, type.qualname, ""}, &text);
  int64_t end = 0;
  // Throws for names that no text can have; "]" or ";" in one would end it early.
  const auto read = read_custom(text, 0, &end);
  if (read.size() != 1 || read[0].type.module != type.module ||
      read[0].type.qualname != type.qualname) {
    refuse(type, "module and qualname must be dotted names");
  }
}

void check_conversions(const TypeRegistration& type) {
  if (type.conversions.empty()) return;
  if (!type.layout.storage.empty()) {
    refuse(type, "has a storage and conversions; its items convert as their storage does");
  }
  if (type.layout.size > kMaxConvertedBytes) {
    refuse(type, "items of more than " + std::to_string(kMaxConvertedBytes) +
                     " bytes cannot have conversions");
  }
  for (const TypeConversion& conversion : type.conversions) {
    if (!is_arithmetic(conversion.other)) {
      refuse(type, std::string("conversions are to and from numbers, not ") +
                       type_facts(conversion.other).name);
    }
    if (conversion.decode == nullptr && conversion.encode == nullptr) {
      refuse(type, "a conversion needs a kernel");
    }
  }
}

void check(const TypeRegistration& type) {
  check_names(type);
  if (is_builtin(type.module, type.qualname)) refuse(type, "is built in");
  if (!type.layout.param.empty()) refuse(type, "the layout to register is that of no parameter");
  CustomFacts facts;
  if (type.layout.storage.empty()) {
    if (!is_sound(type.layout)) refuse(type, kLayoutRule);
  } else if (!fill_from_storage(type.layout, &facts)) {
    refuse(type, "its storage '" + type.layout.storage + "' " + kStorageRule);
  }
  check_conversions(type);
}

sc_entry entry_of(sc_kernel kernel, const char* name, uint32_t needs) {
  sc_entry entry = {};
  entry.run = kernel;
  entry.name = name;
  entry.src_access = entry.dst_access = SC_ACCESS_PACKED;
  entry.needs = needs & SC_NEEDS_GIL;
  entry.traits = SC_TRAIT_MAY_FAIL | SC_TRAIT_THREAD_SAFE;
  return entry;
}

std::unique_ptr<RegisteredType> make_entry(const TypeRegistration& facts) {
  auto type = std::make_unique<RegisteredType>();
  type->facts = facts;
  const std::string name = full_name(facts.module, facts.qualname);
  type->decode_name = "decode " + name;
  type->encode_name = "encode " + name;
  for (const TypeConversion& from : facts.conversions) {
    RegisteredConversion& to = type->conversions.emplace_back();
    to.other = from.other;
    to.params = from.params;
    if (from.decode) to.decode = entry_of(from.decode, type->decode_name.c_str(), from.needs);
    if (from.encode) to.encode = entry_of(from.encode, type->encode_name.c_str(), from.needs);
  }
  return type;
}

// Never destroyed: formats and plans in static storage may outlive everything else.
class Registry {
 public:
  static Registry& instance() {
    static Registry& registry = *new Registry;
    return registry;
  }

  const RegisteredType* find(std::string_view module, std::string_view qualname) noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = types_.find(std::pair(module, qualname));
    return found == types_.end() ? nullptr : found->second.get();
  }

  void add(const TypeRegistration& facts) {
    auto fresh = make_entry(facts);
    // The key's views lead into the entry, which never moves.
    const Key key(fresh->facts.module, fresh->facts.qualname);
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = types_.find(key);
    if (found == types_.end()) {
      types_.emplace(key, std::move(fresh));
      advance();
    } else if (!same_facts(found->second->facts, facts)) {
      refuse(facts, "is registered already, with other facts");
    }
  }

  void advance() noexcept { generation_.fetch_add(1, std::memory_order_release); }
  uint64_t generation() const noexcept { return generation_.load(std::memory_order_acquire); }
  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }

 private:
  using Key = std::pair<std::string_view, std::string_view>;

  // No shared_mutex: one that was locked before fork() cannot be unlocked in the child.
  std::mutex mutex_;
  std::atomic<uint64_t> generation_{0};
  std::map<Key, std::unique_ptr<const RegisteredType>> types_;
};

std::atomic<TypeResolver> g_resolver{nullptr};

Resolution ask_resolver(const CustomType& type, CustomFacts* facts) {
  const TypeResolver resolver = g_resolver.load(std::memory_order_acquire);
  TypeLayout layout;
  layout.param = type.param;
  layout.swap_unit = 0;
  if (resolver == nullptr || !resolver(type.module, type.qualname, &layout)) {
    return Resolution::kUnknown;
  }
  TypeLayout sound = layout;
  sound.swap_unit = std::max<int64_t>(layout.swap_unit, 1);
  if (!layout.storage.empty() || !fill(sound, facts)) return Resolution::kUnknown;
  facts->swap_unit = layout.swap_unit;
  return Resolution::kKnown;
}

}  // namespace

const RegisteredType* find_registered(const CustomType& type) noexcept {
  return Registry::instance().find(type.module, type.qualname);
}

Resolution resolve_registered(const CustomType& type, CustomFacts* facts) {
  const RegisteredType* registered = find_registered(type);
  if (registered == nullptr) return ask_resolver(type, facts);
  TypeLayout layout = registered->facts.layout;
  if (!type.param.empty()) {
    layout.param = type.param;
    const ParamReader read = registered->facts.read_param;
    if (read == nullptr || !read(type.param, &layout, registered->facts.context)) {
      return Resolution::kBadParam;
    }
  }
  // Conversions are for items of the layout that was registered with them.
  const TypeLayout& known = registered->facts.layout;
  const bool same_items = layout.storage.empty() && layout.size == known.size;
  if (!registered->conversions.empty() && !same_items) return Resolution::kBadParam;
  try {
    return fill(layout, facts) ? Resolution::kKnown : Resolution::kBadParam;
  } catch (const Error&) {  // the storage that a reader gave is no format
    return Resolution::kBadParam;
  }
}

uint64_t registry_generation() noexcept { return Registry::instance().generation(); }
void lock_type_registry() { Registry::instance().lock(); }
void unlock_type_registry() { Registry::instance().unlock(); }

}  // namespace internal

inline namespace v0 {

void register_type(const TypeRegistration& registration) {
  internal::check(registration);
  internal::Registry::instance().add(registration);
}

uint64_t known_types() noexcept { return internal::registry_generation(); }

void set_type_resolver(TypeResolver resolver) noexcept {
  internal::g_resolver.store(resolver, std::memory_order_release);
  internal::Registry::instance().advance();
}

}  // namespace v0
}  // namespace stridecast
