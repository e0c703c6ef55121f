// Element types of DLPack; see dlpack_types.h.
#include "python/dlpack_types.h"

#include <string>
#include <vector>

#include "python/errors.h"

namespace stridecast::python {
namespace {

using dlpack::DataType;

// A value of less than 8 bits takes a byte with us, which DLPack calls padded.
struct Row {
  uint8_t code, bits;
  DType type;
};

constexpr Row kRows[] = {
    {dlpack::kBool, 8, DType::kBool},
    {dlpack::kInt, 8, DType::kInt8},
    {dlpack::kInt, 16, DType::kInt16},
    {dlpack::kInt, 32, DType::kInt32},
    {dlpack::kInt, 64, DType::kInt64},
    {dlpack::kUInt, 8, DType::kUint8},
    {dlpack::kUInt, 16, DType::kUint16},
    {dlpack::kUInt, 32, DType::kUint32},
    {dlpack::kUInt, 64, DType::kUint64},
    {dlpack::kFloat, 16, DType::kFloat16},
    {dlpack::kFloat, 32, DType::kFloat32},
    {dlpack::kFloat, 64, DType::kFloat64},
    {dlpack::kBfloat, 16, DType::kBFloat16},
    {dlpack::kComplex, 32, DType::kComplexFloat16},
    {dlpack::kComplex, 64, DType::kComplexFloat32},
    {dlpack::kComplex, 128, DType::kComplexFloat64},
    {dlpack::kFloat8E3m4, 8, DType::kFloat8E3M4},
    {dlpack::kFloat8E4m3, 8, DType::kFloat8E4M3},
    {dlpack::kFloat8E4m3b11fnuz, 8, DType::kFloat8E4M3B11FNUZ},
    {dlpack::kFloat8E4m3fn, 8, DType::kFloat8E4M3FN},
    {dlpack::kFloat8E4m3fnuz, 8, DType::kFloat8E4M3FNUZ},
    {dlpack::kFloat8E5m2, 8, DType::kFloat8E5M2},
    {dlpack::kFloat8E5m2fnuz, 8, DType::kFloat8E5M2FNUZ},
    {dlpack::kFloat8E8m0fnu, 8, DType::kFloat8E8M0FNU},
    {dlpack::kFloat6E2m3fn, 6, DType::kFloat6E2M3FN},
    {dlpack::kFloat6E3m2fn, 6, DType::kFloat6E3M2FN},
    {dlpack::kFloat4E2m1fn, 4, DType::kFloat4E2M1FN},
    {dlpack::kInt, 4, DType::kInt4},
    {dlpack::kInt, 2, DType::kInt2},
    {dlpack::kInt, 1, DType::kInt1},
    {dlpack::kUInt, 4, DType::kUint4},
    {dlpack::kUInt, 2, DType::kUint2},
    {dlpack::kUInt, 1, DType::kUint1},
};

// One for each row. Never destroyed: the interpreter may be gone by then.
const std::vector<Format>& formats() {
  static const std::vector<Format>& made = *[] {
    auto* list = new std::vector<Format>;
    for (const Row& row : kRows) {
      const TypeFacts& facts = type_facts(row.type);
      list->push_back(Format::parse(is_narrow(row.type)
                                        ? "[ml_dtypes$" + std::string(facts.name) + "$]"
                                        : std::string(facts.code)));
    }
    return list;
  }();
  return made;
}

const Row* find(const DataType& type) {
  for (const Row& row : kRows) {
    if (row.code == type.code && row.bits == type.bits) return &row;
  }
  return nullptr;
}

}  // namespace

FormatRef format_of_dlpack(const DataType& type, bool padded, const char* argument) {
  // Whether lanes of padded values are padded one by one nobody says; nobody seems to make them.
  if (type.bits != 0 && type.bits < 8 && (!padded || type.lanes > 1)) {
    raise(PyExc_BufferError,
          "%s: DLPack elements of code %d with %d lanes of %d bits are packed, several values in a "
          "byte, which no format can say; unpack them to a byte each, or view the tensor as uint8",
          argument, type.code, type.lanes, type.bits);
  }
  const Row* row = find(type);
  if (row == nullptr || type.lanes == 0) {
    raise(
        PyExc_BufferError,
        "%s: no format is known for DLPack elements of code %d with %d lanes of %d bits; view the "
        "tensor as integers of that width",
        argument, type.code, type.lanes, type.bits);
  }
  const Format& format = formats()[static_cast<size_t>(row - kRows)];
  if (type.lanes == 1) return FormatRef(&format);
  return FormatRef(Format::parse("(" + std::to_string(type.lanes) + ")" + format.text()));
}

std::optional<DataType> dlpack_of_field(const Field& field) {
  for (const Row& row : kRows) {
    if (row.type == field.type) return DataType{row.code, row.bits, 1};
  }
  return std::nullopt;
}

}  // namespace stridecast::python
