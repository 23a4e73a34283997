#include "packed_reader.h"

#include <linux/netlink.h>

namespace nftlink {

namespace {

constexpr uint32_t kMagic = 0x314c464e;  // "NFL1"
constexpr size_t kHeaderBytes = 16;
constexpr uint32_t kCheckOnly = 1;
constexpr size_t kOperationBytes = 12;
constexpr size_t kFieldBytes = 8;
constexpr size_t kExpressionNameBytes = 16;

/** Whether the bytes are netlink attributes side by side: what is inside them is the kernel's to judge. */
bool areAttributes(Bytes bytes) {
  while (!bytes.empty()) {
    if (bytes.size() < sizeof(nlattr)) return false;
    const size_t length = load<nlattr>(bytes.data()).nla_len;
    if (length < sizeof(nlattr) || align4(length) > bytes.size()) return false;
    bytes = bytes.subspan(align4(length));
  }
  return true;
}

// NLM_F_ACK would fill the receive buffer, NLM_F_ECHO would answer with notifications: neither is read here.
constexpr uint16_t kAllowedFlags = NLM_F_REPLACE | NLM_F_EXCL | NLM_F_CREATE | NLM_F_APPEND;

}  // namespace

Problem PackedReader::readHeader(TransactionHeader& header) {
  if (rest_.size() < kHeaderBytes) return "the packed transaction ends within its header";
  const uint8_t* at = rest_.data();
  if (load<uint32_t>(at) != kMagic) return "this is no packed transaction (magic)";
  header.operations = load<uint32_t>(at + 4);
  header.generation = load<uint32_t>(at + 8);
  const uint32_t flags = load<uint32_t>(at + 12);
  if ((flags & ~kCheckOnly) != 0) return "the header has flags that are not known";
  header.checkOnly = (flags & kCheckOnly) != 0;
  rest_ = rest_.subspan(kHeaderBytes);
  return nullptr;
}

Problem PackedReader::readOperation(Operation& operation) {
  if (rest_.size() < kOperationBytes) return "the packed transaction ends within an operation's header";
  const uint8_t* at = rest_.data();
  operation.message = load<uint16_t>(at);
  operation.flags = load<uint16_t>(at + 2);
  operation.family = at[4];
  if (at[5] != 0 || at[6] != 0 || at[7] != 0) return "an operation's reserved bytes are not 0";
  const size_t size = load<uint32_t>(at + 8);
  rest_ = rest_.subspan(kOperationBytes);
  if (size % 4 != 0) return "an operation's size is no multiple of 4";
  if (size > rest_.size()) return "an operation is longer than the packed transaction";
  if ((operation.flags & ~kAllowedFlags) != 0) return "flags other than REPLACE, EXCL, CREATE and APPEND";
  operation.fields = rest_.first(size);
  rest_ = rest_.subspan(size);
  return nullptr;
}

Problem PackedReader::readEnd() const {
  return rest_.empty() ? nullptr : "bytes follow the last operation";
}

Problem FieldReader::read(Field& field) {
  if (rest_.size() < kFieldBytes) return "the operation ends within a field's header";
  const uint8_t* at = rest_.data();
  field.id = load<uint16_t>(at);
  const uint16_t kind = load<uint16_t>(at + 2);
  const size_t length = load<uint32_t>(at + 4);
  rest_ = rest_.subspan(kFieldBytes);
  if (kind > static_cast<uint16_t>(FieldKind::rawAttribute)) return "a field of unknown kind";
  // A length above the rest is refused before it is rounded up, so that rounding cannot overflow.
  if (length > rest_.size() || align4(length) > rest_.size()) return "a field is longer than its operation";
  field.kind = static_cast<FieldKind>(kind);
  field.value = rest_.first(length);
  rest_ = rest_.subspan(align4(length));
  return nullptr;
}

Problem readExpression(Bytes value, ExpressionField& expression) {
  if (value.size() < kExpressionNameBytes || value.size() % 4 != 0) return "an expression of impossible length";
  if (std::memchr(value.data(), 0, kExpressionNameBytes) == nullptr) return "an expression's name has no end";
  expression.name = reinterpret_cast<const char*>(value.data());
  expression.attributes = value.subspan(kExpressionNameBytes);
  return nullptr;
}

Problem readRawExpression(Bytes value, ExpressionField& expression) {
  if (const Problem problem = readExpression(value, expression)) return problem;
  return areAttributes(expression.attributes) ? nullptr : "a raw expression whose bytes are no attributes";
}

}  // namespace nftlink
