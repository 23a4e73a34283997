// Every expression of libnftnl 1.2.4 with its attributes in the order of NFTNL_EXPR_*, from 1. Widths were read
// back from the library itself (nftnl_expr_get). Attributes that hold expressions are refused: the packed format
// has no nesting.
#include "attribute_schema.h"

namespace nftlink {

namespace {

/** XT_EXTENSION_MAXNAMELEN less its zero. */
constexpr AttributeRule kExtensionName{AttributeType::text, 28};
constexpr AttributeRule kExtensionData{AttributeType::owned, 4096};

constexpr ExpressionSchema kExpressions[] = {
    {"payload", {kRefused, kU32, kU32, kU32, kU32, kU32, kU32, kU32, kU32}},
    {"cmp", {kRefused, kU32, kU32, kData}},
    {"meta", {kRefused, kU32, kU32, kU32}},
    {"lookup", {kRefused, kU32, kU32, kText, kU32, kU32}},
    {"immediate", {kRefused, kU32, kData, kU32, kText, kU32}},
    {"bitwise", {kRefused, kU32, kU32, kU32, kData, kData, kU32, kData}},
    {"ct", {kRefused, kU32, kU32, kU8, kU32}},
    {"counter", {kRefused, kU64, kU64}},
    {"nat", {kRefused, kU32, kU32, kU32, kU32, kU32, kU32, kU32}},
    {"range", {kRefused, kU32, kU32, kData, kData}},
    {"fib", {kRefused, kU32, kU32, kU32}},
    {"numgen", {kRefused, kU32, kU32, kU32, kU32}},
    {"masq", {kRefused, kU32, kU32, kU32}},
    {"redir", {kRefused, kU32, kU32, kU32}},
    {"reject", {kRefused, kU32, kU8}},
    {"limit", {kRefused, kU64, kU64, kU32, kU32, kU32}},
    {"log", {kRefused, kText, kU16, kU32, kU16, kU32, kU32}},
    {"byteorder", {kRefused, kU32, kU32, kU32, kU32, kU32}},
    {"dynset", {kRefused, kU32, kU32, kU32, kU64, kText, kU32, kRefused, kRefused, kU32}},
    {"exthdr", {kRefused, kU32, kU8, kU32, kU32, kU32, kU32, kU32}},
    {"hash", {kRefused, kU32, kU32, kU32, kU32, kU32, kU32, kU32}},
    {"connlimit", {kRefused, kU32, kU32}},
    {"dup", {kRefused, kU32, kU32}},
    {"fwd", {kRefused, kU32, kU32, kU32}},
    {"flow_offload", {kRefused, kText}},
    {"last", {kRefused, kU64, kU32}},
    {"notrack", {}},
    {"objref", {kRefused, kU32, kText, kU32, kText, kU32}},
    {"osf", {kRefused, kU32, kU8, kU32}},
    {"queue", {kRefused, kU16, kU16, kU16, kU32}},
    {"quota", {kRefused, kU64, kU32, kU64}},
    {"rt", {kRefused, kU32, kU32}},
    {"socket", {kRefused, kU32, kU32, kU32}},
    {"synproxy", {kRefused, kU16, kU8, kU32}},
    {"tproxy", {kRefused, kU32, kU32, kU32}},
    {"tunnel", {kRefused, kU32, kU32}},
    {"xfrm", {kRefused, kU32, kRefused, kU32, kU8, kU32}},
    {"match", {kRefused, kExtensionName, kU32, kExtensionData}},
    {"target", {kRefused, kExtensionName, kU32, kExtensionData}},
};

}  // namespace

const ExpressionSchema* findExpressionSchema(std::string_view name) {
  for (const ExpressionSchema& schema : kExpressions) {
    if (schema.name == name) return &schema;
  }
  return nullptr;
}

}  // namespace nftlink
