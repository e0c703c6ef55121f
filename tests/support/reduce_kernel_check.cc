#include "tests/support/reduce_kernel_check.h"

#include "tests/support/case_note.h"

namespace stridecast::testing {
namespace {

constexpr DType kFloats[] = {DType::kFloat16, DType::kBFloat16, DType::kFloat32, DType::kFloat64};
constexpr DType kComplex[] = {DType::kComplexFloat32, DType::kComplexFloat64};
constexpr DType kTimes[] = {DType::kDatetime64, DType::kTimedelta64};
constexpr DType kWideIntegers[] = {DType::kInt64, DType::kUint64};
constexpr DType kIntegersAsFloat[] = {DType::kInt32, DType::kUint32, DType::kInt64, DType::kUint64};
constexpr DType kComplex64[] = {DType::kComplexFloat32};

bool is_truth(Op op) { return op == Op::kAny || op == Op::kAll || op == Op::kCountNonzero; }

Elements unpack(DType type, const Bytes& bytes) {
  Elements x;
  for (size_t at = 0; at < bytes.size(); at += static_cast<size_t>(size_of(type))) {
    x.push_back(load(bytes.data() + at, type));
  }
  return x;
}

// NaNs as kernels have to give them: quiet, positive, without a payload.
uint64_t canonical(DType part, uint64_t bits) {
  if (!reference::is_float(part)) return bits;
  if (reference::decode(part, bits).cls != reference::Value::Class::kNan) return bits;
  bool overflow;
  const auto infinity =
      static_cast<uint64_t>(reference::round_to_float(part, false, 1, 20000, &overflow));
  return infinity | (infinity >> 1 & ~infinity);
}

Element canonical(DType type, Element element) {
  const DType part = part_of(type);
  return {canonical(part, element.re), canonical(part, element.im)};
}

uint64_t random_part(Random& random, Op op, DType part, bool specials, bool is_complex = false) {
  const bool is_float = reference::is_float(part);
  uint64_t bits = random.bits() >> (64 - 8 * reference::size(part));
  if (part == DType::kBool) return specials && random.chance(40) ? 0 : bits % 3;
  if (specials && random.chance(40)) bits = 0;
  const bool wide = reference::size(part) >= 4;
  bool overflow;
  if (is_float && op == Op::kProd) {
    bits = static_cast<uint64_t>(reference::round_to_float(
        part, random.chance(50), random.bits() >> 11 | uint64_t{1} << 52,
        static_cast<int>(random.between(-53, is_complex ? -53 : -52)), &overflow));
  } else if (is_float && (wide || random.chance(50))) {
    const int scale = static_cast<int>(wide ? random.between(-83, -23) : random.between(-70, -40));
    bits = static_cast<uint64_t>(
        reference::round_to_float(part, random.chance(50), random.bits() >> 11, scale, &overflow));
  }
  if (is_float && specials && random.chance(3)) {
    const uint64_t sign = random.chance(50) ? uint64_t{1} << (reference::size(part) * 8 - 1) : 0;
    const auto inf =
        static_cast<uint64_t>(reference::round_to_float(part, false, 1, 20000, &overflow));
    bits = sign | random.pick(std::vector<uint64_t>{0, inf, inf + 1, inf | inf >> 1, 1});
  }
  return bits;
}

Element random_element(Random& random, const ReduceCase& c, bool specials) {
  const DType part = part_of(c.type);
  if (is_time(c.type) && specials && random.chance(3)) return {uint64_t{1} << 63};
  const bool two_parts = is_complex(c.type);
  Element element{random_part(random, c.op, part, specials, two_parts)};
  if (two_parts) element.im = random_part(random, c.op, part, specials, two_parts);
  return element;
}

}  // namespace

// ---- elements ----

bool is_time(DType type) { return type == DType::kDatetime64 || type == DType::kTimedelta64; }
DType part_of(DType type) { return is_time(type) ? DType::kInt64 : reference::part_type(type); }
int64_t size_of(DType type) { return (is_complex(type) ? 2 : 1) * reference::size(part_of(type)); }

void store(unsigned char* at, DType type, Element element) {
  const int size = reference::size(part_of(type));
  reference::store(at, size, element.re);
  if (is_complex(type)) reference::store(at + size, size, element.im);
}

Element load(const unsigned char* at, DType type) {
  const int size = reference::size(part_of(type));
  Element element{static_cast<uint64_t>(reference::load(at, size))};
  if (is_complex(type)) element.im = static_cast<uint64_t>(reference::load(at + size, size));
  return element;
}

Bytes pack(DType type, const Elements& x) {
  Bytes bytes(x.size() * static_cast<size_t>(size_of(type)));
  for (size_t i = 0; i < x.size(); ++i) {
    store(bytes.data() + i * static_cast<size_t>(size_of(type)), type, x[i]);
  }
  return bytes;
}

std::string to_text(DType type, Element element) {
  const DType part = part_of(type);
  const std::string re = reference::to_text(part, element.re);
  return is_complex(type) ? re + " and " + reference::to_text(part, element.im) : re;
}

// ---- what there is ----

const std::vector<Family>& families() {
  static const std::vector<Family> all = {
      {kernels::kReduceSum, Op::kSum, {reference::kTypes, kComplex}},
      {kernels::kReduceProd, Op::kProd, {kWideIntegers, kFloats, kComplex}},
      {kernels::kReduceMin, Op::kMin, {reference::kTypes, kComplex, kTimes}},
      {kernels::kReduceMax, Op::kMax, {reference::kTypes, kComplex, kTimes}},
      {kernels::kReduceArgmin, Op::kArgmin, {reference::kTypes, kComplex, kTimes}},
      {kernels::kReduceArgmax, Op::kArgmax, {reference::kTypes, kComplex, kTimes}},
      {kernels::kReduceAny, Op::kAny, {reference::kTypes, kComplex64}},
      {kernels::kReduceAll, Op::kAll, {reference::kTypes, kComplex64}},
      {kernels::kReduceCount, Op::kCountNonzero, {reference::kTypes, kComplex64}},
      {kernels::kReduceSumAbs, Op::kSumAbs, {kFloats}},
      {kernels::kReduceMaxAbs, Op::kMaxAbs, {kFloats}},
      {kernels::kReduceSumSquares, Op::kSumSquares, {kFloats, kComplex}},
      {kernels::kReduceSumDeviations, Op::kSumDeviations, {kFloats, kComplex, kIntegersAsFloat}},
      {kernels::kReduceSumAsFloat, Op::kSumAsFloat, {kIntegersAsFloat}},
  };
  return all;
}

bool is_arg(Op op) { return op == Op::kArgmin || op == Op::kArgmax; }
bool is_extreme(Op op) {
  return is_arg(op) || op == Op::kMin || op == Op::kMax || op == Op::kMaxAbs;
}

bool ReduceCase::is_tree() const {
  const bool as_floats = op == Op::kSumAsFloat || op == Op::kSumDeviations;
  return as_floats || (!is_extreme(op) && !is_truth(op) && !is_integer());
}
bool ReduceCase::is_integer() const {
  return is_time(type) || (is_real(type) && !reference::is_float(type));
}

std::vector<ReduceCase> all_reductions(const kernels::KernelTable& table) {
  std::vector<ReduceCase> cases;
  for (const Family& family : families()) {
    for (const std::span<const DType> types : family.types) {
      for (const DType type : types) {
        cases.push_back({&table.reduce[family.kernel][static_cast<int>(type)], family.op, type,
                         reference::folded_type(family.op, type)});
      }
    }
  }
  return cases;
}

Element expected(const ReduceCase& c, const Elements& x, Element mean) {
  Element element = reference::fold(c.op, c.type, x, mean);
  if (is_arg(c.op)) element.re = kFirstIndex + element.re * kIndexStep;
  return element;
}

::testing::AssertionResult same(const ReduceCase& c, Element got, Element want) {
  if (got == canonical(c.result, want)) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << c.entry->name << " gave " << to_text(c.result, got)
                                       << ", expected " << to_text(c.result, want);
}

// ---- elements at random ----

Elements elements(Random& random, const ReduceCase& c, int64_t count, bool specials) {
  Elements x;
  if (is_extreme(c.op) && random.chance(50)) {
    const DType part = part_of(c.type);
    const uint64_t top_bit = uint64_t{1} << (8 * reference::size(part) - 1);
    std::vector<uint64_t> pool = {random_part(random, c.op, part, specials),
                                  random_part(random, c.op, part, specials)};
    if (random.chance(50)) pool.insert(pool.end(), {0, top_bit});
    if (c.is_integer() && random.chance(30)) pool.push_back(top_bit - 1);
    if (c.is_integer() && random.chance(30)) pool.push_back(2 * top_bit - 1);
    for (int64_t i = 0; i < count; ++i) x.push_back({random.pick(pool)});
    for (Element& element : x) {
      if (is_complex(c.type)) element.im = random.pick(pool);
      if (is_time(c.type) && !specials && element.re == top_bit) element.re = 7;  // NaT
    }
    return x;
  }
  for (int64_t i = 0; i < count; ++i) x.push_back(random_element(random, c, specials));
  return x;
}

// What kernels of deviations read means as.
DType mean_type(const ReduceCase& c) {
  return c.is_integer() ? DType::kFloat64 : reference::accumulator(c.type);
}

Elements random_means(Random& random, const ReduceCase& c, int64_t columns) {
  Elements means(static_cast<size_t>(columns));
  if (c.op != Op::kSumDeviations) return means;
  const ReduceCase wide = {c.entry, c.op, mean_type(c), c.result};
  for (Element& mean : means) mean = random_element(random, wide, false);
  return means;
}

Elements column_of(const Elements& x, int64_t columns, int64_t k) {
  Elements column;
  for (auto i = static_cast<size_t>(k); i < x.size(); i += static_cast<size_t>(columns)) {
    column.push_back(x[i]);
  }
  return column;
}

// ---- runs ----

sc_run reduce_run(const ReduceCase& c, int64_t columns) {
  sc_run run = reduce_run(columns, c.size(), size_of(c.result));
  run.index = kFirstIndex;
  run.index_step[0] = kIndexStep;
  return run;
}

void set_mask(sc_run& run, const Mask& mask) {
  run.aux[0] = mask.first;
  run.aux_step[0][0] = mask.row_step;
  run.aux_step[0][1] = mask.column_step;
}

Means::Means(const ReduceCase& c, const Elements& means) : step_(0) {
  if (c.op != Op::kSumDeviations) return;
  const DType type = mean_type(c);
  packed_ = pack(type, means);
  step_ = means.size() > 1 ? size_of(type) : 0;
}

void Means::set(sc_run& run) const {
  run.aux[0] = packed_.empty() ? nullptr : packed_.data();
  run.aux_step[0][1] = step_;
}

Elements whole_results(const ReduceCase& c, const sc_run& run) {
  uint32_t errors = 0;
  const Bytes bytes = reduce_results(*c.entry, c.entry->whole, run, &errors);
  EXPECT_EQ(errors, 0u) << note();
  return unpack(c.result, bytes);
}

States::States(const ReduceCase& c, int64_t columns, const Elements& means)
    : StateBlock(*c.entry, reduce_run(c, columns)), case_(c), means_(c, means) {
  restart(means);
}

void States::restart(const Elements& means) {
  means_ = Means(case_, means);
  means_.set(run());
  go_to(0);
  StateBlock::restart();
}

void States::step(const void* src, int64_t rows, int64_t row_step, const Mask& mask) {
  set_mask(run(), mask);
  step(src, rows, row_step);
  set_mask(run(), {});
}

Elements States::finish() const {
  uint32_t errors = 0;
  const Bytes bytes = StateBlock::finish(&errors);
  EXPECT_EQ(errors, 0u) << note();
  return unpack(case_.result, bytes);
}

}  // namespace stridecast::testing
