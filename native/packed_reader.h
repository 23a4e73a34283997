// Reads docs/packed-format.md. Trusts nothing: what it hands out lies inside the buffer.
#pragma once

#include "bytes.h"

namespace nftlink {

constexpr uint32_t kPackedFormatVersion = 1;

struct TransactionHeader {
  uint32_t operations = 0;
  uint32_t generation = 0;
  /** The kernel is to check the transaction and not to commit it. */
  bool checkOnly = false;
};

struct Operation {
  uint16_t message = 0;
  uint16_t flags = 0;
  uint8_t family = 0;
  Bytes fields;
};

enum class FieldKind : uint16_t {
  attribute,
  expression,
  fixedColumn,
  variableColumn,
  count,
  rawExpression,
  rawAttribute,
};

struct Field {
  uint16_t id = 0;
  FieldKind kind = FieldKind::attribute;
  Bytes value;
};

/** Walks the fields of an operation or of an expression. */
class FieldReader {
 public:
  explicit FieldReader(Bytes fields) : rest_(fields) {}
  bool more() const { return !rest_.empty(); }
  Problem read(Field& field);

 private:
  Bytes rest_;
};

/** Walks a transaction: the header, then operations, then the end. */
class PackedReader {
 public:
  explicit PackedReader(Bytes packed) : rest_(packed) {}
  Problem readHeader(TransactionHeader& header);
  Problem readOperation(Operation& operation);
  Problem readEnd() const;

 private:
  Bytes rest_;
};

/** An expression field: its name, and its attributes (fields; of a raw expression, netlink attributes). */
struct ExpressionField {
  const char* name = nullptr;
  Bytes attributes;
};
Problem readExpression(Bytes value, ExpressionField& expression);
/** The same for a raw expression: its attributes are netlink's. */
Problem readRawExpression(Bytes value, ExpressionField& expression);

}  // namespace nftlink
