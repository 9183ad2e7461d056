// What is known of stored functions: the part of CommandRunner that lets a replica answer where
// they only read, and that tells when this may be about to change.

#include "proxy/core/routines.h"
#include "proxy/session/command_runner.h"

namespace weir {

using protocol::Handling;

// Of a statement that nothing but its functions keeps from the replicas.
void CommandRunner::trust_functions(std::string_view text, const sql::TextOptions& options,
                                    std::string_view schema) {
  const Routines* routines =
      routines_in_force(*context_.topology, context_.process->routine_changes);
  if (routines == nullptr || !calls_only_readers(*routines, text, options, schema)) return;
  current_.trust = std::make_unique<FunctionTrust>(
      FunctionTrust{current_.facts, routines->changes, routines->since});
  current_.facts = as_plain_read(current_.facts);
}

// Asked just before it is sent, and again when it has been answered or lost: a statement that was
// sent meanwhile may have given a function another body. False when the trust is over, and the
// facts are those of the text alone again.
bool CommandRunner::recheck_functions() {
  if (current_.trust->changes == context_.process->routine_changes.sent()) return true;
  current_.facts = current_.trust->text_facts;
  current_.trust.reset();
  return false;
}

// Of a statement that is about to be sent.
bool CommandRunner::may_change_routines() const {
  if (current_.info->handling == Handling::prepare) return false;  // nothing is run
  if (current_.facts.has(sql::Effect::changes_routines)) return true;
  // Behind the part that was read, or what cannot be read for certain, may be another statement.
  // Doubt that comes from the character set leaves the first words as they are.
  const bool unread = !current_.whole_when_classified || current_.facts.doubtful;
  return unread &&
         (multi_statements_ || (current_.facts.doubtful && text_options().ascii_safe_charset));
}

}  // namespace weir
