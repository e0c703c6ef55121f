// Routes from and to registered types: their own kernels on the outside, a route between numbers
// within.

#include <vector>

#include "engine/convert_route.h"

namespace stridecast::internal {
namespace {

using kernels::KernelTable;
using Conversions = std::vector<RegisteredConversion>;

bool decodes(const RegisteredConversion& c) { return c.decode.run != nullptr; }
bool encodes(const RegisteredConversion& c) { return c.encode.run != nullptr; }

// The first conversion that `has` a kernel, one to `wanted` if there is one; null if there is none.
const RegisteredConversion* choose(const Conversions& all, bool (*has)(const RegisteredConversion&),
                                   DType wanted) {
  const RegisteredConversion* first = nullptr;
  for (const RegisteredConversion& conversion : all) {
    if (!has(conversion)) continue;
    if (conversion.other == wanted) return &conversion;
    if (first == nullptr) first = &conversion;
  }
  return first;
}

// A number that both ends know; kOpaque if there is none.
DType meeting_point(const RouteEnd& src, const RouteEnd& dst) {
  if (src.registered == nullptr) return src.type;
  if (dst.registered == nullptr) return dst.type;
  for (const RegisteredConversion& from : src.registered->conversions) {
    if (!decodes(from)) continue;
    for (const RegisteredConversion& to : dst.registered->conversions) {
      if (encodes(to) && to.other == from.other) return from.other;
    }
  }
  return DType::kOpaque;
}

}  // namespace

bool find_registered_route(const KernelTable& table, const RouteEnd& src, const RouteEnd& dst,
                           const ConvertRules& rules, Route* route) {
  const DType meeting = meeting_point(src, dst);
  DType from = src.type, to = dst.type;
  const RegisteredConversion* decode = nullptr;
  const RegisteredConversion* encode = nullptr;
  if (src.registered != nullptr) {
    decode = choose(src.registered->conversions, decodes, meeting);
    if (decode == nullptr) return false;
    from = decode->other;
  }
  if (dst.registered != nullptr) {
    encode = choose(dst.registered->conversions, encodes, meeting);
    if (encode == nullptr) return false;
    to = encode->other;
  }
  const auto add = [&](const Stage& stage) { route->stages[route->count++] = stage; };
  if (decode != nullptr) {
    add({&decode->decode, from, type_facts(from).size, decode->params});
  }
  const Route middle = find_route(table, from, to, rules);
  for (int k = 0; k < middle.count; ++k) add(middle.stages[k]);
  if (encode != nullptr) add({&encode->encode, DType::kOpaque, dst.size, encode->params});
  return true;
}

}  // namespace stridecast::internal
