#include "expression_writer.h"

#include <arpa/inet.h>
#include <endian.h>

#include <optional>

#include "attribute_schema.h"
#include "packed_reader.h"

namespace nftlink {

namespace {

// NFTA_VERDICT_CHAIN_ID, kernel 5.9.
constexpr uint16_t kVerdictChainId = 3;
/** Attributes of an immediate, by NFTNL_EXPR_IMM_*: its value and its verdict are one nest on the wire. */
enum ImmediateAttribute : uint16_t { kImmediateVerdict = 3, kImmediateChain = 4, kImmediateChainId = 5 };

template <typename T>
void writeInteger(AttributeWriter& writer, uint16_t type, T valueBE) {
  writer.value(type, reinterpret_cast<const uint8_t*>(&valueBE), sizeof valueBE);
}

void writeValue(AttributeWriter& writer, AttributeType kind, uint16_t type, Bytes value) {
  switch (kind) {
    case AttributeType::u8:
      return writer.value(type, value.data(), 1);
    case AttributeType::u16:
      return writeInteger(writer, type, htons(load<uint16_t>(value.data())));
    case AttributeType::u32:
      return writeInteger(writer, type, htonl(load<uint32_t>(value.data())));
    case AttributeType::u64:
      return writeInteger(writer, type, htobe64(load<uint64_t>(value.data())));
    case AttributeType::text:
      return writer.text(type, value);
    case AttributeType::data:
      return writer.nestedValue(type, value.data(), value.size());
    case AttributeType::bytes:
      return writer.value(type, value.data(), value.size());
    default:
      return;
  }
}

/** What of an immediate is written last, together. */
struct ImmediateVerdict {
  std::optional<uint32_t> code;
  std::optional<Bytes> chain;
  std::optional<uint32_t> chainId;
  bool hasData = false;

  bool take(const Field& attribute) {
    switch (attribute.id) {
      case kImmediateVerdict:
        code = load<uint32_t>(attribute.value.data());
        return true;
      case kImmediateChain:
        chain = attribute.value;
        return true;
      case kImmediateChainId:
        chainId = load<uint32_t>(attribute.value.data());
        return true;
      default:
        return false;
    }
  }

  Problem check() const {
    const bool named = chain || chainId;
    if (hasData && (named || code)) return "an immediate with data and a verdict";
    const auto verdict = static_cast<int32_t>(code.value_or(0));
    if (named && verdict != NFT_JUMP && verdict != NFT_GOTO) return "a chain without a jump or goto to it";
    return nullptr;
  }

  void write(AttributeWriter& writer) const {
    if (!code) return;
    uint8_t* data = writer.open();
    uint8_t* verdict = writer.open();
    writer.integer(NFTA_VERDICT_CODE, htonl(*code));
    if (chain) writer.text(NFTA_VERDICT_CHAIN, *chain);
    if (chainId) writer.integer(kVerdictChainId, htonl(*chainId));
    writer.close(verdict, NFTA_DATA_VERDICT);
    writer.close(data, NFTA_IMMEDIATE_DATA);
  }
};

Problem writeAttributes(const ExpressionSchema& schema, Bytes attributes, AttributeWriter& writer) {
  const bool isImmediate = schema.name == "immediate";
  ImmediateVerdict verdict;
  uint32_t seen = 0;
  FieldReader fields(attributes);
  while (fields.more()) {
    Field attribute;
    if (const Problem problem = fields.read(attribute)) return problem;
    if (attribute.kind != FieldKind::attribute) return "an expression with a field that is no attribute";
    const ExpressionAttribute known = schema.attribute(attribute.id);
    if (known.rule.type == AttributeType::refused) return "an attribute that its expression does not have";
    if (!fits(known.rule, attribute.value)) return "an expression's attribute of impossible length";
    if ((seen & 1u << attribute.id) != 0) return "an expression with the same attribute twice";
    seen |= 1u << attribute.id;
    if (isImmediate && verdict.take(attribute)) continue;
    verdict.hasData = verdict.hasData || known.rule.type == AttributeType::data;
    writeValue(writer, known.rule.type, known.wire, attribute.value);
  }
  if (!isImmediate) return nullptr;
  verdict.write(writer);
  return verdict.check();
}

void writeName(AttributeWriter& writer, const char* name) {
  writer.text(NFTA_EXPR_NAME, {reinterpret_cast<const uint8_t*>(name), std::strlen(name)});
}

}  // namespace

Problem writeExpression(Bytes field, AttributeWriter& writer) {
  ExpressionField packed;
  if (const Problem problem = readExpression(field, packed)) return problem;
  const ExpressionSchema* schema = findExpressionSchema(packed.name);
  if (schema == nullptr) return "an expression whose attributes are not known";
  writeName(writer, packed.name);
  if (!schema->hasAttributes() && packed.attributes.empty()) return nullptr;
  uint8_t* data = writer.open();
  if (const Problem problem = writeAttributes(*schema, packed.attributes, writer)) return problem;
  writer.close(data, NFTA_EXPR_DATA);
  return nullptr;
}

Problem writeRawExpression(Bytes field, AttributeWriter& writer) {
  ExpressionField packed;
  if (const Problem problem = readRawExpression(field, packed)) return problem;
  writeName(writer, packed.name);
  uint8_t* data = writer.open();
  writer.attributes(packed.attributes);
  writer.close(data, NFTA_EXPR_DATA);
  return nullptr;
}

}  // namespace nftlink
