// Values that the session knows better than the server that runs the statement: they are written
// into the text in place of the question, and the question is put back where it names a column.
// Pure.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/byte_reader.h"
#include "sql_classifier/classification.h"

namespace weir {

// What is to be answered; nothing: left to the server.
struct KnownAnswers {
  std::optional<std::uint32_t> connection_id;
  bool thread_id_is_set = false;  // @@pseudo_thread_id may have been given another value
  std::optional<std::int64_t> row_count;
  std::optional<std::uint64_t> found_rows;
};

// `written` stands where `original` stood.
struct Substitution {
  std::string written;
  std::string original;
  bool operator==(const Substitution&) const = default;
};

struct SubstitutedText {
  std::string text;
  std::vector<Substitution> substitutions;  // empty: the text is as it was
};

// The answers are expressions of the same type as the question, in both flavours.
SubstitutedText substitute(std::string_view text, const sql::TextOptions& options,
                           const KnownAnswers& answers);

// A GET DIAGNOSTICS that asks for nothing but the numbers of the statement before, when that left
// no condition: as a SET of the same user variables. Empty for any other text.
std::string diagnostics_as_set(std::string_view text, const sql::TextOptions& options,
                               std::int64_t row_count);

// The text holds CONNECTION_ID() against ids that only the server knows: its own answer is the
// right one there.
bool compares_with_server_ids(std::string_view text);

// A definition packet, frame header included, with the names as the client has written them. Empty
// when it can stay as it is.
std::string restored_definition(protocol::Bytes packet, const std::vector<Substitution>& undo);

}  // namespace weir
