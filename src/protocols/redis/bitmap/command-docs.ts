/** What COMMAND DOCS says about the arguments of bitmap commands, implemented or not, and about what they were before. */
import {
  block,
  flag,
  integer,
  key,
  many,
  manyTokens,
  oneOf,
  optional,
  since,
  string,
  token,
  type CommandDocs,
} from "../core/command-docs.ts";

export const docs: CommandDocs = {
  bitcount: {
    arguments: [
      key(0),
      optional(
        block(
          "index",
          integer("start"),
          integer("end"),
          since("7.0.0", optional(oneOf("index_unit", flag("BYTE"), flag("BIT")))),
        ),
      ),
    ],
    history: [["7.0.0", "Added the `BYTE|BIT` option."]],
  },
  bitfield: {
    arguments: [
      key(0),
      optional(
        many(
          oneOf(
            "operation",
            token("GET", block("encoding_offset", string("encoding"), integer("offset"))),
            block(
              "write",
              optional(token("OVERFLOW", oneOf("wrap_sat_fail", flag("WRAP"), flag("SAT"), flag("FAIL")))),
              oneOf(
                "write_operation",
                token(
                  "SET",
                  block("encoding_offset_value", string("encoding"), integer("offset"), integer("value")),
                ),
                token(
                  "INCRBY",
                  block(
                    "encoding_offset_increment",
                    string("encoding"),
                    integer("offset"),
                    integer("increment"),
                  ),
                ),
              ),
            ),
          ),
        ),
      ),
    ],
  },
  bitfield_ro: {
    arguments: [
      key(0),
      optional(manyTokens(token("GET", block("encoding_offset", string("encoding"), integer("offset"))))),
    ],
  },
  bitop: { arguments: [string("operation"), key(0, "destkey"), many(key(1))] },
  bitpos: {
    arguments: [
      key(0),
      integer("bit"),
      optional(
        block(
          "index",
          integer("start"),
          optional(
            block(
              "end_index",
              integer("end"),
              since("7.0.0", optional(oneOf("index_unit", flag("BYTE"), flag("BIT")))),
            ),
          ),
        ),
      ),
    ],
    history: [["7.0.0", "Added the `BYTE|BIT` option."]],
  },
  getbit: { arguments: [key(0), integer("offset")] },
  setbit: { arguments: [key(0), integer("offset"), integer("value")] },
};
