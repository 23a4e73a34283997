#include "expression_builder.h"

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
 * libnftnl keeps the data and the chain's name of an immediate in one union: with both it would free data as a
 * pointer.
 */
bool mixesDataAndVerdict(const ExpressionSchema& schema, uint32_t seen) {
  constexpr uint32_t kDataBit = 1u << NFTNL_EXPR_IMM_DATA;
  constexpr uint32_t kVerdictBits =
      1u << NFTNL_EXPR_IMM_VERDICT | 1u << NFTNL_EXPR_IMM_CHAIN | 1u << NFTNL_EXPR_IMM_CHAIN_ID;
  return schema.name == "immediate" && (seen & kDataBit) != 0 && (seen & kVerdictBits) != 0;
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
  ExpressionPointer expression(nftnl_expr_alloc(packed.name));
  if (expression == nullptr) return "an expression that this libnftnl does not know";
  uint32_t seen = 0;
  FieldReader fields(packed.attributes);
  while (fields.more()) {
    Field attribute;
    if (const Problem problem = fields.read(attribute)) return problem;
    if (attribute.kind != FieldKind::attribute) return "an expression with a field that is no attribute";
    const AttributeRule rule = ruleFor(schema->attributes, attribute.id);
    if (rule.type == AttributeType::refused) return "an attribute that its expression does not have";
    if (!fits(rule, attribute.value)) return "an expression's attribute of impossible length";
    if ((seen & 1u << attribute.id) != 0) return "an expression with the same attribute twice";
    seen |= 1u << attribute.id;
    if (mixesDataAndVerdict(*schema, seen)) return "an immediate with data and a verdict";
    if (rule.type == AttributeType::owned) {
      if (const Problem problem = setOwned(expression.get(), attribute.id, attribute.value)) return problem;
      continue;
    }
    const SchemaValue value(rule, attribute.value);
    if (nftnl_expr_set(expression.get(), attribute.id, value.data(), value.length()) < 0) {
      return "libnftnl refuses an expression's attribute";
    }
  }
  result = std::move(expression);
  return nullptr;
}

}  // namespace nftlink
