// The firewall's list: which statements each user may run. As sets that know a statement, and as
// the text of a file that people read and edit. Pure.
//
// A statement is known by its normalised text, byte by byte: digests are its name for people, and
// whoever may choose statements can make two with one digest.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "proxy/core/rules.h"
#include "sql_classifier/classification.h"

namespace weir {

// Bounds of what is learnt and read: of one normalised text, of the statements of one user, and of
// all texts and names together.
inline constexpr std::size_t kLongestAllowed = 64u << 10;
inline constexpr std::size_t kMostAllowed = 10000;
inline constexpr std::size_t kMostAllowedBytes = 64u << 20;

struct AllowedStatement {
  std::uint64_t digest = 0;
  std::string text;  // normalised, not empty
};

// Of one user.
class StatementSet {
 public:
  bool contains(std::uint64_t digest, std::string_view text) const {
    return statements_.find(View{digest, text}) != statements_.end();
  }
  // False: it is in the set already.
  bool add(AllowedStatement statement);
  std::size_t size() const { return statements_.size(); }
  std::size_t bytes() const { return bytes_; }
  // In the order of their texts.
  std::vector<const AllowedStatement*> sorted() const;

 private:
  struct View {
    std::uint64_t digest;
    std::string_view text;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const View& v) const { return v.digest; }
    std::size_t operator()(const AllowedStatement& s) const { return s.digest; }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const AllowedStatement& a, const AllowedStatement& b) const {
      return a.text == b.text;
    }
    bool operator()(const View& a, const AllowedStatement& b) const { return a.text == b.text; }
    bool operator()(const AllowedStatement& a, const View& b) const { return a.text == b.text; }
  };

  std::unordered_set<AllowedStatement, Hash, Equal> statements_;
  std::size_t bytes_ = 0;
};

// Of all users.
class AllowLists {
 public:
  // Null: nothing is known of this user. Valid as long as the lists.
  const StatementSet* find(std::string_view user) const;
  bool contains(std::string_view user, std::uint64_t digest, std::string_view text) const;
  // Another one of this user could be added.
  bool has_room(std::string_view user) const;
  enum class Added : std::uint8_t { yes, was_there, no_room };
  Added add(std::string_view user, AllowedStatement statement);
  // A user whose list may be empty.
  void add_user(std::string_view user);

  const std::map<std::string, StatementSet, std::less<>>& users() const { return users_; }
  std::size_t size() const;  // statements of all users
  std::size_t bytes() const { return bytes_; }

 private:
  std::map<std::string, StatementSet, std::less<>> users_;
  std::size_t bytes_ = 0;
};

// What is wrong with a file's text; no message: nothing.
struct AllowListProblem {
  unsigned line = 0;
  std::string message;
};

// Any bytes. Statements may stand there as people write them: they are normalised. When there is a
// problem, the lists are worth nothing.
AllowLists parse_allow_lists(std::string_view text, AllowListProblem& problem);
std::string format_allow_lists(const AllowLists& lists);

// What the firewall has to say of a statement.
enum class Allowance : std::uint8_t {
  listed,  // or one that does nothing
  unlisted,
  too_long,  // for any list
  unclear,   // it cannot be read for certain, or runs what cannot be read
};

// For people: "it is ...".
std::string_view in_words(Allowance allowance);

// The statement, or one that it prepares, that decides.
struct Judgement {
  Allowance allowance = Allowance::listed;
  AllowedStatement statement;  // empty when it is listed or unclear
};

// `list` may be null. `text` is that of `said`, read with `options`. If nothing is worse than
// unlisted, the statements that are it are handed to `unlisted`: those that `said` prepares, too.
Judgement judge(std::string_view said, const sql::TextOptions& options, RuleText& text,
                const StatementSet* list, std::vector<AllowedStatement>* unlisted = nullptr);

}  // namespace weir
