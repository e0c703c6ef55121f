// Routes of the types of at most 8 bits. Sources are looked up, where no kernel converts them; as a
// destination they are reached from float32 (or another float that lies in float32's lanes) and
// from integers.

#include <array>
#include <bit>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>

#include "dtypes/narrow_types.h"
#include "engine/route_builder.h"

namespace stridecast::internal {
namespace {

using kernels::LookupParams;

// What every byte of a narrow float is as float32, by value.
const LookupParams& float32_values(DType src) {
  static const auto& tables = *[] {
    auto* made = new std::array<LookupParams, kNumReal>;
    for (int type = 0; type < kNumReal; ++type) {
      if (!is_narrow(static_cast<DType>(type))) continue;
      for (int byte = 0; byte < 256; ++byte) {
        const float value = narrow_value(static_cast<DType>(type), static_cast<uint8_t>(byte));
        const auto bits = std::bit_cast<uint32_t>(value);  // of which the lower half is 0
        LookupParams& table = (*made)[static_cast<size_t>(type)];
        table.low[byte] = static_cast<uint8_t>(bits >> 16);
        table.high[byte] = static_cast<uint8_t>(bits >> 24);
      }
    }
    return made;
  }();
  return tables[static_cast<size_t>(src)];
}

// All bytes through a route of kernels.
LookupParams run_all_bytes(const Route& route, int64_t result_size) {
  alignas(64) unsigned char buffers[2][256 * sizeof(double)];
  for (int byte = 0; byte < 256; ++byte) buffers[0][byte] = static_cast<unsigned char>(byte);
  const unsigned char* results = run_packed(route, 1, 256, buffers[0], buffers[1]);
  LookupParams table;
  for (int byte = 0; byte < 256; ++byte) {
    uint32_t bits = results[byte];
    if (result_size == 2) bits = reinterpret_cast<const uint16_t*>(results)[byte];
    table.low[byte] = static_cast<uint8_t>(bits);
    table.high[byte] = static_cast<uint8_t>(bits >> 8);
  }
  return table;
}

std::mutex& tables_mutex() {
  static std::mutex& mutex = *new std::mutex;
  return mutex;
}

// Made once for every pair and rule that somebody asks for, and kept: plans point at them.
const LookupParams& table_of(const RouteBuilder& b, DType dst, const ConvertRules& rules) {
  if (dst == DType::kFloat32) return float32_values(b.type());
  using Key = std::tuple<DType, DType, Overflow, Rounding>;
  static auto& tables = *new std::map<Key, std::unique_ptr<LookupParams>>;
  const Key key{b.type(), dst, rules.overflow, rules.rounding};
  const std::lock_guard lock(tables_mutex());
  std::unique_ptr<LookupParams>& table = tables[key];
  if (table == nullptr) {
    RouteBuilder pivots(b.table(), b.type(), rules);
    pivots.use_no_tables();
    widen_narrow(pivots);
    route_real(pivots, dst);
    table = std::make_unique<LookupParams>(run_all_bytes(pivots.route(), type_facts(dst).size));
  }
  return *table;
}

bool is_int(DType type) { return !range_facts(type).is_float; }

}  // namespace

void lock_lookup_tables() {
  float32_values(DType::kFloat8E3M4);  // no child finds it half made
  tables_mutex().lock();
}
void unlock_lookup_tables() { tables_mutex().unlock(); }

bool route_by_bits(RouteBuilder& b, DType dst) {
  const DType src = b.type();
  const auto is_byte = [](DType t) {
    return is_int(t) && t != DType::kBool && type_facts(t).size == 1;
  };
  if (!is_byte(src) || !is_byte(dst)) return false;
  if (!is_narrow(dst)) {
    widen_narrow(b);
    b.convert(dst);
    return true;
  }
  int bits = narrow_int_bits(dst);
  if (is_narrow(src) && narrow_int_bits(src) < bits) {
    if (range_facts(src).int_min < 0) return false;
    bits = narrow_int_bits(src);  // no others are set
  }
  b.add(b.table().keep_bits[0], dst, kernels::NarrowIntParams{bits});
  return true;
}

bool has_lookup(const RouteBuilder& b, DType dst) noexcept {
  const DType src = b.type();
  if (!b.uses_tables() || b.has_kernel(dst)) return false;
  if (dst == DType::kFloat32) return is_narrow(src) && !is_int(src);
  const bool is_arithmetic_step = is_int(src) && !(is_narrow(dst) && !is_int(dst));
  if (is_arithmetic_step && !b.table().looks_up_fast) return false;
  // Some become float32 by arithmetic; two steps of that beat slow tables of two bytes.
  const bool by_float32 = is_narrow(src) && b.has_kernel(DType::kFloat32) && is_int(dst);
  if (by_float32 && type_facts(dst).size == 2 && !b.table().looks_up_fast) return false;
  const bool short_result = type_facts(dst).size <= 2;
  return short_result && (is_narrow(src) || (is_narrow(dst) && type_facts(src).size == 1));
}

void route_lookup(RouteBuilder& b, DType dst, const ConvertRules& rules) {
  const LookupParams& table = table_of(b, dst, rules);
  const int size = static_cast<int>(type_facts(dst).size);
  b.add(b.table().lookup[size / 2], dst, static_cast<const void*>(&table));
}

void widen_narrow(RouteBuilder& b) {
  const DType src = b.type();
  if (!is_narrow(src)) {
    if (b.is(DType::kBool)) b.convert(DType::kUint8);
    return;
  }
  if (b.has_kernel(DType::kFloat32)) return b.convert(DType::kFloat32);
  if (!is_int(src)) {
    b.add(b.table().lookup[2], DType::kFloat32, static_cast<const void*>(&float32_values(src)));
    return;
  }
  const bool is_signed = range_facts(src).int_min < 0;
  b.add(is_signed ? b.table().extend_bits : b.table().keep_bits[0],
        is_signed ? DType::kInt8 : DType::kUint8, kernels::NarrowIntParams{narrow_int_bits(src)});
}

void route_to_narrow(RouteBuilder& b, DType dst, bool saturate) {
  const kernels::KernelTable& table = b.table();
  if (is_int(dst) && b.is(DType::kBool)) {  // 0 and 1 fit, whatever dst
    b.add(table.convert[table_index(DType::kBool)][table_index(DType::kUint8)], dst);
    return;
  }
  if (is_int(dst)) {
    if (!is_int(b.type())) route_plain(b, DType::kInt8, saturate);
    const int size = kernels::move_index(type_facts(b.type()).size);
    b.add(table.keep_bits[size], dst, kernels::NarrowIntParams{narrow_int_bits(dst)});
    return;
  }
  const bool no_sign = dst == DType::kFloat8E8M0FNU;  // and a range that all integers are in
  if (no_sign && !saturate && b.has_kernel(dst)) return b.convert(dst);
  if (no_sign && is_int(b.type()) && type_facts(b.type()).size == 4) b.convert(DType::kFloat64);
  if (no_sign && is_int(b.type()) && type_facts(b.type()).size == 8) b.odd(DType::kFloat64);
  if (b.is(DType::kLongDouble)) b.odd(DType::kFloat64);
  if (b.is(DType::kFloat64)) b.odd(DType::kFloat32);
  // Larger integers than float32 holds exactly are beyond all narrow floats with a sign: what their
  // rounding to float32 loses is not seen.
  const bool direct = b.is(DType::kFloat16) || b.is(DType::kBFloat16) || b.is(DType::kFloat32);
  if (!direct || no_sign) b.convert(DType::kFloat32);
  if (no_sign) {
    if (saturate) b.clamp(clamp_limits(DType::kFloat32, dst));
    b.convert(dst);
    return;
  }
  const int source = b.is(DType::kFloat32) ? 0 : b.is(DType::kFloat16) ? 1 : 2;
  b.add(table.narrow_float[source], dst, narrow_float_params(dst, saturate));
}

}  // namespace stridecast::internal
