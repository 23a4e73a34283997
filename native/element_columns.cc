#include "element_columns.h"

#include <libnftnl/set.h>

#include "attribute_schema.h"

namespace nftlink {

namespace {

/** NFT_DATA_VALUE_MAXLEN. */
constexpr uint32_t kMaxValueBytes = 64;

/** Column numbers of docs/packed-format.md: one more than libnftnl's NFTNL_SET_ELEM_*, which start at 0. */
enum ColumnId : uint16_t {
  kFlagsColumn = 1,
  kKeyColumn = 2,
  kVerdictColumn = 3,
  kChainColumn = 4,
  kDataColumn = 5,
  kTimeoutColumn = 6,
  kExpirationColumn = 7,
  kUserdataColumn = 8,
  kObjectColumn = 10,
  kKeyEndColumn = 11,
  kStatementsColumn = 12,
};

Problem readFixed(const Field& field, uint32_t count, uint32_t minWidth, uint32_t maxWidth, Column& column) {
  if (column.present) return "the same column twice";
  if (field.kind != FieldKind::fixedColumn) return "a column of the wrong kind";
  if (field.value.size() < 4) return "a column without a width";
  const uint32_t width = load<uint32_t>(field.value.data());
  if (width < minWidth || width > maxWidth) return "a column of impossible width";
  const Bytes values = field.value.subspan(4);
  if (values.size() != size_t{width} * count) return "a column that does not have one value for each element";
  column = {true, width, {}, values};
  return nullptr;
}

Problem readVariable(const Field& field, uint32_t count, Column& column) {
  if (column.present) return "the same column twice";
  if (field.kind != FieldKind::variableColumn) return "a column of the wrong kind";
  const size_t offsetBytes = (size_t{count} + 1) * 4;
  if (field.value.size() < offsetBytes) return "a column that does not have one offset for each element";
  column = {true, 0, field.value.first(offsetBytes), field.value.subspan(offsetBytes)};
  return nullptr;
}

Problem readColumn(const Field& field, ElementColumns& columns) {
  if (!columns.hasCount) return "a column before the number of elements";
  const uint32_t count = columns.count;
  switch (field.id) {
    case kFlagsColumn:
      return readFixed(field, count, 4, 4, columns.flags);
    case kKeyColumn:
      return readFixed(field, count, 1, kMaxValueBytes, columns.key);
    case kVerdictColumn:
      return readFixed(field, count, 4, 4, columns.verdict);
    case kChainColumn:
      return readVariable(field, count, columns.chain);
    case kDataColumn:
      return readFixed(field, count, 1, kMaxValueBytes, columns.data);
    case kTimeoutColumn:
      return readFixed(field, count, 8, 8, columns.timeout);
    case kExpirationColumn:
      return readFixed(field, count, 8, 8, columns.expiration);
    case kUserdataColumn:
      return readVariable(field, count, columns.userdata);
    case kObjectColumn:
      return readVariable(field, count, columns.object);
    case kKeyEndColumn:
      return readFixed(field, count, 1, kMaxValueBytes, columns.keyEnd);
    case kStatementsColumn:
      return readVariable(field, count, columns.statements);
    default:
      return "a column of an unknown kind";
  }
}

Problem readName(Bytes value, Bytes& name) {
  if (name.data() != nullptr) return "the same attribute twice";
  if (!fits(kText, value)) return "a name of impossible length";
  name = value;
  return nullptr;
}

Problem readAttribute(const Field& field, ElementColumns& columns) {
  switch (field.id) {
    case NFTNL_SET_TABLE:
      return readName(field.value, columns.table);
    case NFTNL_SET_NAME:
      return readName(field.value, columns.set);
    case NFTNL_SET_ID:
      if (field.value.size() != 4 || columns.hasSetId) return "a set's number of impossible length, or twice";
      columns.hasSetId = true;
      columns.setId = load<uint32_t>(field.value.data());
      return nullptr;
    default:
      return "an attribute that a list of elements does not have";
  }
}

Problem readCount(const Field& field, ElementColumns& columns) {
  if (field.value.size() != 4 || field.id != 0) return "a number of elements of impossible length";
  if (columns.hasCount) return "two numbers of elements";
  columns.hasCount = true;
  columns.count = load<uint32_t>(field.value.data());
  return nullptr;
}

Problem readField(const Field& field, ElementColumns& columns) {
  switch (field.kind) {
    case FieldKind::attribute:
      return readAttribute(field, columns);
    case FieldKind::count:
      return readCount(field, columns);
    case FieldKind::fixedColumn:
    case FieldKind::variableColumn:
      return readColumn(field, columns);
    default:
      return "a field that does not belong to elements";
  }
}

}  // namespace

bool Column::variable(uint32_t element, Bytes& value) const {
  const uint32_t start = load<uint32_t>(offsets.data() + size_t{element} * 4);
  const uint32_t end = load<uint32_t>(offsets.data() + (size_t{element} + 1) * 4);
  if (start > end || end > values.size()) return false;
  value = values.subspan(start, end - start);
  return true;
}

Problem readElementColumns(Bytes fields, ElementColumns& columns) {
  FieldReader reader(fields);
  while (reader.more()) {
    Field field;
    if (const Problem problem = reader.read(field)) return problem;
    if (const Problem problem = readField(field, columns)) return problem;
  }
  if (columns.table.data() == nullptr || columns.set.data() == nullptr) return "elements without table and set";
  // A column bounds the count by the buffer's size, and an element of nothing means nothing.
  if (columns.count > 0 && !columns.key.present && !columns.flags.present) return "elements without keys";
  if (columns.verdict.present && columns.data.present) return "elements with a verdict and data";
  if (columns.chain.present && !columns.verdict.present) return "chains without verdicts";
  return nullptr;
}

}  // namespace nftlink
