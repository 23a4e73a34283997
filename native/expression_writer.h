// Expressions of rules, written straight as netlink attributes: libnftnl's objects cost half of what a rule takes.
#pragma once

#include "attribute_writer.h"

namespace nftlink {

/**
 * Writes the expression of a packed expression field: NFTA_EXPR_NAME and NFTA_EXPR_DATA. Takes no more than twice the room of
 * the field, and 64 bytes.
 */
Problem writeExpression(Bytes field, AttributeWriter& writer);
/** The same for a raw expression, whose attributes go as they are. */
Problem writeRawExpression(Bytes field, AttributeWriter& writer);

}  // namespace nftlink
