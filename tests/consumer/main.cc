#include <stridecast/stridecast.h>
namespace sc = stridecast;

int main() {
  const float rgb[4][3] = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}, {10, 11, 12}};
  auto green = sc::Layout::strided(sc::Format::parse("f"), {4}, {sizeof rgb[0]});
  auto packed = sc::Layout::contiguous(sc::Format::parse("E"), {4});  // E is bfloat16
  uint16_t out[4];
  sc::Plan plan = sc::Plan::convert(green, packed, {.overflow = sc::Overflow::kRaise});
  plan.run(&rgb[0][1], out);
  return out[0] == 0x4000 && out[3] == 0x4130 ? 0 : 1;  // 2 and 11
}
