// Every expression of libnftnl 1.2.4 with its attributes in the order of NFTNL_EXPR_*, from 1: what each holds, and its
// number on the wire. Widths were read back from the library itself (nftnl_expr_get), the numbers are those of
// src/nft/expression/kinds.ts. Attributes that hold expressions are refused: the packed format has no nesting.
#include "attribute_schema.h"

namespace nftlink {

namespace {

constexpr ExpressionAttribute kNone{};
constexpr ExpressionAttribute byte(uint16_t wire) { return {kU8, wire}; }
constexpr ExpressionAttribute half(uint16_t wire) { return {kU16, wire}; }
constexpr ExpressionAttribute word(uint16_t wire) { return {kU32, wire}; }
constexpr ExpressionAttribute wide(uint16_t wire) { return {kU64, wire}; }
constexpr ExpressionAttribute text(uint16_t wire) { return {kText, wire}; }
/** Without a final zero, as libnftnl writes it; the kernel takes both. */
constexpr ExpressionAttribute bareText(uint16_t wire) { return {{AttributeType::bytes, kMaxText}, wire}; }
/** NFT_DATA_VALUE_MAXLEN is 64. */
constexpr ExpressionAttribute data(uint16_t wire) { return {{AttributeType::data, 64}, wire}; }
/** XT_EXTENSION_MAXNAMELEN less its zero. */
constexpr ExpressionAttribute extensionName(uint16_t wire) { return {{AttributeType::text, 28}, wire}; }
constexpr ExpressionAttribute extension(uint16_t wire) { return {{AttributeType::bytes, 4096}, wire}; }

constexpr ExpressionSchema kExpressions[] = {
    {"payload", {kNone, word(1), word(2), word(3), word(4), word(5), word(6), word(7), word(8)}},
    {"cmp", {kNone, word(1), word(2), data(3)}},
    {"meta", {kNone, word(2), word(1), word(3)}},
    {"lookup", {kNone, word(2), word(3), text(1), word(4), word(5)}},
    // The verdict and its chain are one nest, which the writer makes.
    {"immediate", {kNone, word(1), data(2), word(0), text(0), word(0)}},
    {"bitwise", {kNone, word(1), word(2), word(3), data(4), data(5), word(6), data(7)}},
    {"ct", {kNone, word(1), word(2), byte(3), word(4)}},
    {"counter", {kNone, wide(2), wide(1)}},
    {"nat", {kNone, word(1), word(2), word(3), word(4), word(5), word(6), word(7)}},
    {"range", {kNone, word(1), word(2), data(3), data(4)}},
    {"fib", {kNone, word(1), word(2), word(3)}},
    {"numgen", {kNone, word(1), word(2), word(3), word(4)}},
    {"masq", {kNone, word(1), word(2), word(3)}},
    {"redir", {kNone, word(1), word(2), word(3)}},
    {"reject", {kNone, word(1), byte(2)}},
    {"limit", {kNone, wide(1), wide(2), word(3), word(4), word(5)}},
    {"log", {kNone, text(2), half(1), word(3), half(4), word(5), word(6)}},
    {"byteorder", {kNone, word(2), word(1), word(3), word(4), word(5)}},
    {"dynset", {kNone, word(4), word(5), word(3), wide(6), text(1), word(2), kNone, kNone, word(9)}},
    {"exthdr", {kNone, word(1), byte(2), word(3), word(4), word(5), word(6), word(7)}},
    {"hash", {kNone, word(1), word(2), word(3), word(4), word(5), word(6), word(7)}},
    {"connlimit", {kNone, word(1), word(2)}},
    {"dup", {kNone, word(1), word(2)}},
    {"fwd", {kNone, word(1), word(2), word(3)}},
    {"flow_offload", {kNone, text(1)}},
    {"last", {kNone, wide(2), word(1)}},
    {"notrack", {}},
    {"objref", {kNone, word(1), bareText(2), word(3), bareText(4), word(5)}},
    {"osf", {kNone, word(1), byte(2), word(3)}},
    {"queue", {kNone, half(1), half(2), half(3), word(4)}},
    {"quota", {kNone, wide(1), word(2), wide(4)}},
    {"rt", {kNone, word(2), word(1)}},
    {"socket", {kNone, word(1), word(2), word(3)}},
    {"synproxy", {kNone, half(1), byte(2), word(3)}},
    {"tproxy", {kNone, word(1), word(2), word(3)}},
    {"tunnel", {kNone, word(1), word(2)}},
    {"xfrm", {kNone, word(1), kNone, word(2), byte(3), word(4)}},
    {"match", {kNone, extensionName(1), word(2), extension(3)}},
    {"target", {kNone, extensionName(1), word(2), extension(3)}},
};

}  // namespace

const ExpressionSchema* findExpressionSchema(std::string_view name) {
  for (const ExpressionSchema& schema : kExpressions) {
    if (schema.name == name) return &schema;
  }
  return nullptr;
}

}  // namespace nftlink
