#include "proxy/firewall/allow_list.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "proxy/config/rule_text.h"
#include "proxy/config/utf8.h"
#include "sql_classifier/prepared_text.h"

namespace weir {
namespace {

// So much is left of a text that is too long for any list, for the log.
constexpr std::size_t kBeginning = 256;
constexpr std::size_t kDigestLength = 16;

constexpr std::string_view kPreamble =
    "# The allow-list of weir's firewall: behind the name of each user the statements that it may "
    "run.\n"
    "# The digests in front are for people, and need not be there. \\\\ is a backslash, \\x41 the "
    "byte 0x41.\n"
    "# Comments are lost when weir writes what it has learnt.\n";

// --- the firewall's word -------------------------------------------------------------------------

// Of the text alone, whatever it prepares.
Judgement judge_alone(RuleText& text, const StatementSet* list) {
  const sql::NormalForm& form = text.form();
  if (!form.certain) return {Allowance::unclear, {}};
  if (form.length == 0) return {};
  const std::string_view normalised = text.normalised();
  if (form.length > kLongestAllowed) {
    return {Allowance::too_long, {form.digest, std::string(normalised.substr(0, kBeginning))}};
  }
  if (list != nullptr && list->contains(form.digest, normalised)) return {};
  // The file must give back what it was given. Of what is SQL it does.
  std::string room;
  RuleText again(normalised, {}, room);
  if (!again.form().certain || again.normalised() != normalised) return {Allowance::unclear, {}};
  return {Allowance::unlisted, {form.digest, std::string(normalised)}};
}

// Of what it makes the server run.
void judge_prepared(std::string_view said, const sql::TextOptions& options,
                    const StatementSet* list, std::vector<Judgement>& judgements) {
  const sql::PreparedTexts prepared = sql::prepared_texts(said, options);
  if (!prepared.clear) judgements.push_back({Allowance::unclear, {}});
  for (const std::string& each : prepared.texts) {
    std::string room;
    RuleText inner(each, options, room);
    // What prepares again, a server would not take either.
    judgements.push_back(inner.form().prepares ? Judgement{Allowance::unclear, {}}
                                               : judge_alone(inner, list));
  }
}

// --- the text of the file ------------------------------------------------------------------------

// On one line, and UTF-8.
std::string escaped(std::string_view text) {
  const bool utf8 = config::line_not_utf8(text) == 0;
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\') {
      out += "\\\\";
    } else if (byte < ' ' || byte == 0x7f || (byte >= 0x80 && !utf8)) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

// Empty when an escape is none.
std::string unescaped(std::string_view text, std::string& why) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    const std::string_view rest = text.substr(i + 1);
    unsigned byte = 0;
    if (rest.starts_with('\\')) {
      out += '\\';
      i += 1;
    } else if (rest.size() >= 3 && rest[0] == 'x' &&
               std::from_chars(rest.data() + 1, rest.data() + 3, byte, 16).ptr == rest.data() + 3) {
      out += static_cast<char>(byte);
      i += 3;
    } else {
      why = "a backslash is written \\\\ here, and any other byte \\x and two hexadecimal digits";
      return {};
    }
  }
  return out;
}

std::string_view trimmed(std::string_view line) {
  constexpr std::string_view kBlank = " \t\r";
  const std::size_t from = line.find_first_not_of(kBlank);
  if (from == std::string_view::npos) return {};
  return line.substr(from, line.find_last_not_of(kBlank) - from + 1);
}

std::string_view without_digest(std::string_view line) {
  const bool has_digest = line.size() > kDigestLength && line[kDigestLength] == ' ' &&
                          parse_digest(line.substr(0, kDigestLength));
  return has_digest ? trimmed(line.substr(kDigestLength)) : line;
}

class Parser {
 public:
  // Says what is wrong; empty: nothing.
  std::string take(std::string_view line) {
    line = trimmed(line);
    if (line.empty() || line.front() == '#') return "";
    if (line.front() == '[') return take_user(line);
    if (!user_) return "a statement stands in front of the first user; write [user] above it";
    return take_statement(without_digest(line));
  }
  AllowLists result() { return std::move(lists_); }

 private:
  std::string take_user(std::string_view line) {
    if (line.size() < 2 || line.back() != ']') return "the name of a user ends with ]";
    std::string why;
    user_ = unescaped(line.substr(1, line.size() - 2), why);
    if (why.empty()) lists_.add_user(*user_);
    return why;
  }

  std::string take_statement(std::string_view line) {
    std::string why;
    const std::string statement = unescaped(line, why);
    if (!why.empty()) return why;
    RuleText text(statement, {}, room_);
    const Judgement judgement = judge_alone(text, nullptr);
    switch (judgement.allowance) {
      case Allowance::listed:
        return "there is no statement, only a comment";
      case Allowance::unclear:
        return "the statement cannot be read for certain: are all its quotes and comments closed?";
      case Allowance::too_long:
        return fmt::format("the statement is longer than {} bytes", kLongestAllowed);
      case Allowance::unlisted:
        break;
    }
    if (lists_.add(*user_, judgement.statement) != AllowLists::Added::no_room) return "";
    return fmt::format(
        "there are more statements than the {} that a user, or {} MiB that all may "
        "have",
        kMostAllowed, kMostAllowedBytes >> 20);
  }

  AllowLists lists_;
  std::optional<std::string> user_;
  std::string room_;
};

}  // namespace

std::string_view in_words(Allowance allowance) {
  switch (allowance) {
    case Allowance::listed:
      return "it is in the user's list";
    case Allowance::unlisted:
      return "it is not in the user's list";
    case Allowance::too_long:
      return "it is too long for any list";
    case Allowance::unclear:
      break;
  }
  return "it cannot be read for certain, or prepares what is put together elsewhere";
}

bool StatementSet::add(AllowedStatement statement) {
  const std::size_t size = statement.text.size();
  if (!statements_.insert(std::move(statement)).second) return false;
  bytes_ += size;
  return true;
}

std::vector<const AllowedStatement*> StatementSet::sorted() const {
  std::vector<const AllowedStatement*> all;
  all.reserve(statements_.size());
  for (const AllowedStatement& each : statements_) all.push_back(&each);
  std::sort(all.begin(), all.end(), [](const auto* a, const auto* b) { return a->text < b->text; });
  return all;
}

const StatementSet* AllowLists::find(std::string_view user) const {
  const auto found = users_.find(user);
  return found != users_.end() ? &found->second : nullptr;
}

bool AllowLists::contains(std::string_view user, std::uint64_t digest,
                          std::string_view text) const {
  const StatementSet* const set = find(user);
  return set != nullptr && set->contains(digest, text);
}

bool AllowLists::has_room(std::string_view user) const {
  const StatementSet* const set = find(user);
  return (set == nullptr || set->size() < kMostAllowed) &&
         bytes_ + user.size() + kLongestAllowed <= kMostAllowedBytes;
}

void AllowLists::add_user(std::string_view user) {
  if (users_.find(user) != users_.end()) return;
  users_.emplace(user, StatementSet());
  bytes_ += user.size();
}

AllowLists::Added AllowLists::add(std::string_view user, AllowedStatement statement) {
  if (contains(user, statement.digest, statement.text)) return Added::was_there;
  if (!has_room(user)) return Added::no_room;
  add_user(user);
  bytes_ += statement.text.size();
  users_.find(user)->second.add(std::move(statement));
  return Added::yes;
}

std::size_t AllowLists::size() const {
  std::size_t sum = 0;
  for (const auto& [user, statements] : users_) sum += statements.size();
  return sum;
}

AllowLists parse_allow_lists(std::string_view text, AllowListProblem& problem) {
  Parser parser;
  unsigned number = 0;
  while (!text.empty()) {
    ++number;
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::string why = parser.take(line);
    if (why.empty()) continue;
    problem = {number, why};
    return {};
  }
  return parser.result();
}

std::string format_allow_lists(const AllowLists& lists) {
  std::string out(kPreamble);
  for (const auto& [user, statements] : lists.users()) {
    out += "\n[" + escaped(user) + "]\n";
    for (const AllowedStatement* each : statements.sorted()) {
      out += digest_text(each->digest) + " " + escaped(each->text) + "\n";
    }
  }
  return out;
}

Judgement judge(std::string_view said, const sql::TextOptions& options, RuleText& text,
                const StatementSet* list, std::vector<AllowedStatement>* unlisted) {
  Judgement own = judge_alone(text, list);
  if (own.allowance == Allowance::listed && !text.form().prepares) return own;
  std::vector<Judgement> judgements;
  judgements.push_back(std::move(own));
  if (text.form().prepares) judge_prepared(said, options, list, judgements);
  const auto worst = std::max_element(
      judgements.begin(), judgements.end(),
      [](const Judgement& a, const Judgement& b) { return a.allowance < b.allowance; });
  if (unlisted != nullptr && worst->allowance == Allowance::unlisted) {
    for (const Judgement& each : judgements) {
      if (each.allowance == Allowance::unlisted) unlisted->push_back(each.statement);
    }
  }
  return *worst;
}

}  // namespace weir
