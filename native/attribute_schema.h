// What libnftnl's attributes look like. libnftnl copies as many bytes as it is told to, so every length is
// checked against these tables before it sees a value.
#pragma once

#include <iterator>
#include <span>
#include <string_view>

#include "bytes.h"

namespace nftlink {

enum class AttributeType : uint8_t {
  refused,       // unknown, read-only, or not expressible in the packed format
  u8,
  u16,
  u32,
  u64,
  text,          // without its final zero, which is added
  bytes,
  data,          // of expressions: a value in registers, nested in an NFTA_DATA_VALUE
  devices,       // names, each ended by a zero
  fieldLengths,  // one byte for each field of a concatenation
};

struct AttributeRule {
  AttributeType type = AttributeType::refused;
  uint16_t maxLength = 0;
};

constexpr AttributeRule kRefused{};
constexpr AttributeRule kU8{AttributeType::u8, 1};
constexpr AttributeRule kU16{AttributeType::u16, 2};
constexpr AttributeRule kU32{AttributeType::u32, 4};
constexpr AttributeRule kU64{AttributeType::u64, 8};
/** NFT_NAME_MAXLEN is 256 with the zero. Longer ones go to the kernel, which names them. */
constexpr uint16_t kMaxText = 1023;
constexpr AttributeRule kText{AttributeType::text, kMaxText};
/** NFT_USERDATA_MAXLEN is 256; the kernel names what is longer. */
constexpr AttributeRule kUserdata{AttributeType::bytes, 1024};
/** Rules by NFTNL_TABLE_*, NFTNL_CHAIN_*, NFTNL_RULE_*, NFTNL_SET_*. */
extern const std::span<const AttributeRule> kTableSchema;
extern const std::span<const AttributeRule> kChainSchema;
extern const std::span<const AttributeRule> kRuleSchema;
extern const std::span<const AttributeRule> kSetSchema;

/** An attribute of an expression: what may be in it, and its number on the wire (NFTA_*). */
struct ExpressionAttribute {
  AttributeRule rule;
  uint16_t wire = 0;
};

/** An expression and its attributes by NFTNL_EXPR_*. */
struct ExpressionSchema {
  std::string_view name;
  ExpressionAttribute attributes[10];

  /** notrack has none. */
  bool hasAttributes() const { return attributes[1].rule.type != AttributeType::refused; }
  /** `refused` for one that the expression does not have. */
  ExpressionAttribute attribute(uint16_t id) const {
    return id < std::size(attributes) ? attributes[id] : ExpressionAttribute{};
  }
};
/** nullptr for an expression that libnftnl 1.2.4 does not know. */
const ExpressionSchema* findExpressionSchema(std::string_view name);

/** The rule for an attribute; `refused` for one that is not in the table. */
AttributeRule ruleFor(std::span<const AttributeRule> schema, uint16_t id);
/** Whether a value has a length that the rule allows. */
bool fits(AttributeRule rule, Bytes value);

}  // namespace nftlink
