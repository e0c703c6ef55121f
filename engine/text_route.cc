// Routes between texts of fixed length: bytes and UCS-4, padded with NULs. One kernel does it.

#include <algorithm>

#include "engine/convert_route.h"

namespace stridecast::internal {
namespace {

bool is_ucs4(DType type) { return type_facts(type).swap_unit == 4; }

}  // namespace

bool is_text(DType type) noexcept {
  const bool wide = type == DType::kUnicode || type == DType::kWchar;
  return type == DType::kBytes || type == DType::kChar || (wide && is_ucs4(type));
}

int64_t text_length(DType type, int64_t size) noexcept { return is_ucs4(type) ? size / 4 : size; }

Route find_text_route(const kernels::KernelTable& table, const RouteEnd& src, const RouteEnd& dst,
                      const ConvertRules& rules) {
  Route route;
  const bool from_ucs4 = is_ucs4(src.type), to_ucs4 = is_ucs4(dst.type);
  if (from_ucs4 == to_ucs4 && src.size == dst.size) return route;
  const sc_entry* const same = to_ucs4 ? &table.resize_ucs4 : &table.resize_bytes;
  const sc_entry* const other = to_ucs4 ? &table.bytes_to_ucs4 : &table.ucs4_to_bytes;
  Stage& stage = route.stages[route.count++];
  stage.entry = from_ucs4 == to_ucs4 ? same : other;
  stage.out = dst.type;
  stage.out_size = dst.size;
  stage.data = kernels::TextParams{rules.overflow == Overflow::kRaise};
  return route;
}

}  // namespace stridecast::internal
