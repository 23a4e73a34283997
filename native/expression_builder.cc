#include "expression_builder.h"

#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <cstdlib>

#include "byte_buffer.h"
#include "packed_reader.h"

namespace nftlink {

namespace {

/** XT_ALIGN: libnftnl sends x_tables data rounded up to 8 and reads as far. */
constexpr size_t alignExtension(size_t length) { return (length + 7) & ~size_t{7}; }

/** libnftnl frees this value itself once it has taken it. */
Problem setOwned(nftnl_expr* expression, uint16_t id, Bytes value) {
  std::unique_ptr<void, FreeDeleter> copy(std::calloc(1, alignExtension(value.size())));
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(copy.get(), value.data(), value.size());
  if (nftnl_expr_set(expression, id, copy.get(), static_cast<uint32_t>(value.size())) < 0) {
    return "libnftnl refuses an expression's attribute";
  }
  static_cast<void>(copy.release());
  return nullptr;
}

/**
 * libnftnl keeps the data and the chain's name of an immediate in one union, and frees the name for a jump or goto
 * only: anything else would free data as a pointer, or leak.
 */
Problem checkImmediate(uint32_t seen, int32_t verdict) {
  const auto has = [seen](uint16_t id) { return (seen & 1u << id) != 0; };
  const bool named = has(NFTNL_EXPR_IMM_CHAIN) || has(NFTNL_EXPR_IMM_CHAIN_ID);
  if (has(NFTNL_EXPR_IMM_DATA) && (named || has(NFTNL_EXPR_IMM_VERDICT))) return "an immediate with data and a verdict";
  if (named && verdict != NFT_JUMP && verdict != NFT_GOTO) return "a chain without a jump or goto to it";
  return nullptr;
}

/** Everything is checked before libnftnl sees any of it. */
Problem checkAttributes(const ExpressionSchema& schema, Bytes attributes) {
  uint32_t seen = 0;
  int32_t verdict = NFT_CONTINUE;
  const bool immediate = schema.name == "immediate";
  FieldReader fields(attributes);
  while (fields.more()) {
    Field attribute;
    if (const Problem problem = fields.read(attribute)) return problem;
    if (attribute.kind != FieldKind::attribute) return "an expression with a field that is no attribute";
    const AttributeRule rule = ruleFor(schema.attributes, attribute.id);
    if (rule.type == AttributeType::refused) return "an attribute that its expression does not have";
    if (!fits(rule, attribute.value)) return "an expression's attribute of impossible length";
    if ((seen & 1u << attribute.id) != 0) return "an expression with the same attribute twice";
    seen |= 1u << attribute.id;
    if (immediate && attribute.id == NFTNL_EXPR_IMM_VERDICT) verdict = load<int32_t>(attribute.value.data());
  }
  return immediate ? checkImmediate(seen, verdict) : nullptr;
}

Problem setAttribute(nftnl_expr* expression, AttributeRule rule, const Field& attribute) {
  if (rule.type == AttributeType::owned) return setOwned(expression, attribute.id, attribute.value);
  const SchemaValue value(rule, attribute.value);
  const bool set = nftnl_expr_set(expression, attribute.id, value.data(), value.length()) >= 0;
  return set ? nullptr : "libnftnl refuses an expression's attribute";
}

}  // namespace

SchemaValue::SchemaValue(AttributeRule rule, Bytes value)
    : data_(value.data()), length_(static_cast<uint32_t>(value.size())) {
  switch (rule.type) {
    case AttributeType::u8:
    case AttributeType::u16:
    case AttributeType::u32:
    case AttributeType::u64:
      std::memcpy(copy_, value.data(), value.size());
      data_ = copy_;
      break;
    case AttributeType::text:
      std::memcpy(copy_, value.data(), value.size());
      copy_[value.size()] = 0;
      data_ = copy_;
      length_++;
      break;
    default:
      break;
  }
}

Problem buildExpression(Bytes field, ExpressionPointer& result) {
  ExpressionField packed;
  if (const Problem problem = readExpression(field, packed)) return problem;
  const ExpressionSchema* schema = findExpressionSchema(packed.name);
  if (schema == nullptr) return "an expression that libnftnl does not know";
  if (const Problem problem = checkAttributes(*schema, packed.attributes)) return problem;
  ExpressionPointer expression(nftnl_expr_alloc(packed.name));
  if (expression == nullptr) return "an expression that this libnftnl does not know";
  FieldReader fields(packed.attributes);
  while (fields.more()) {
    Field attribute;
    if (const Problem problem = fields.read(attribute)) return problem;
    const AttributeRule rule = ruleFor(schema->attributes, attribute.id);
    if (const Problem problem = setAttribute(expression.get(), rule, attribute)) return problem;
  }
  result = std::move(expression);
  return nullptr;
}

}  // namespace nftlink
