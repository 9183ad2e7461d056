// Listens to the rules and tells the events of objects.h. It looks ahead on copies of their lexer.

#pragma once

#include <string_view>

#include "sql_classifier/lexer.h"
#include "sql_classifier/objects.h"

namespace weir::sql {

class ObjectReader {
 public:
  ObjectReader(std::string_view text, detail::ObjectCallback callback)
      : text_(text), callback_(callback) {}

  // At the first token of a statement, or of one inside another (SET STATEMENT ... FOR).
  void on_statement(const Lexer& lexer);

  // At the parenthesis behind a function's name, whatever the function. `outermost`: in no other
  // parenthesis.
  void on_call(const Lexer& lexer, Call call, bool outermost);

  // At the parenthesis behind the name of a function that is not built in.
  void on_function(const Lexer& lexer);

  // Behind @@pseudo_thread_id; `from` is where its first word begins.
  void on_thread_id(const Lexer& lexer, const char* from, std::string_view name);

 private:
  void read_create(const Lexer& at);
  void read_drop(const Lexer& at);
  void read_rename(const Lexer& at);
  void read_alter(const Lexer& at);
  void read_prepare(const Lexer& at);
  void read_deallocate(const Lexer& at);
  void read_handler(const Lexer& at);
  void read_kill(const Lexer& at);

  void on_lock_call(const Lexer& at, Call call, bool outermost);
  void on_question(const Lexer& at, ObjectEvent event, bool answerable);

  // [schema.]name from the current token on; false, and told as unclear, where there is none.
  bool tell_name(Lexer& lexer, ObjectEvent event);
  void tell(ObjectEvent event, std::string_view schema, const Token& name);
  void tell_unclear(ObjectEvent family, std::string_view piece);
  void tell(Object object, std::string_view piece);

  std::string_view text_;
  detail::ObjectCallback callback_;
  unsigned statements_ = 0;
  Keyword first_ = Keyword::NONE;  // of the statement
  bool one_row_ = false;           // a SELECT or DO whose outermost items are evaluated once
};

}  // namespace weir::sql
